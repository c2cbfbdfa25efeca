"""What the language declares: every attribute of every operation and step, read from its models.

Nothing is listed here twice: an operation or an attribute that is added to the models is drawn and
asked for by the tests from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from rescompile.language.models import COMMON, SHORTCUTS, WORDS, Model, Spec, Step

Json = dict[str, Any]


@dataclass(frozen=True)
class Attribute:
    """A key of a mapping in a spec, and what may stand there."""

    owner: str  # the word of an operation, or what the mapping is: `residual`, `defaults.norm`
    key: str
    required: bool
    number: tuple[float, float | None] | None = None  # the least and the most
    whole: bool = False
    lists: tuple[int, ...] = ()  # of how many numbers
    words: tuple[str, ...] = ()
    flag: bool = False
    expression: bool = False

    @property
    def type(self) -> str:
        """What a parameter in its place is declared as."""
        if set(self.words) == set(SHORTCUTS):
            return "shortcut"
        if self.number is not None:
            return "int" if self.whole else "float"
        return "bool" if self.flag else "str"


def _alternatives(schema: Json) -> Iterator[Json]:
    if "anyOf" in schema or "oneOf" in schema:
        for one in schema.get("anyOf") or schema["oneOf"]:
            yield from _alternatives(one)
    else:
        yield schema


def attribute(owner: str, key: str, schema: Json, required: bool) -> Attribute:
    """An attribute as its JSON schema has it."""
    given: Json = {"lists": (), "words": ()}
    for one in _alternatives(schema):
        kind = one.get("type")
        if "pattern" in one and "$" in one["pattern"]:
            given["expression"] = True
        elif "enum" in one or "const" in one:
            given["words"] += tuple(one.get("enum") or (one["const"],))
        elif kind in ("integer", "number"):
            least = one.get("minimum", one.get("exclusiveMinimum", 0))
            most = one.get("maximum", one.get("exclusiveMaximum"))
            given |= {"number": (least, most), "whole": kind == "integer"}
        elif kind == "array" and {"minItems", "maxItems"} <= one.keys():
            given["lists"] += tuple(range(one["minItems"], one["maxItems"] + 1))
        elif kind == "boolean":
            given["flag"] = True
    return Attribute(owner, key, required, **given)


@cache
def schemas() -> Json:
    """The JSON schemas of all models of a spec, by their names."""
    schema = Spec.model_json_schema()
    found: Json = schema["$defs"] | {"Spec": schema}
    return found


def attributes_of(model: str, owner: str) -> tuple[Attribute, ...]:
    """The attributes of a model that are numbers, words, flags or expressions."""
    schema = schemas()[model]
    required = schema.get("required", ())
    made = [
        attribute(owner, key, given, key in required)
        for key, given in schema.get("properties", {}).items()
    ]
    return tuple(one for one in made if one.number or one.words or one.flag)


def _model(word: str) -> type[Model] | None:
    """The model of an operation; other steps hold steps or names."""
    if word in ("from", "block", "residual", "table"):
        return None
    for kind in get_args(Step.model_fields[word].annotation):
        if isinstance(kind, type) and issubclass(kind, Model):
            return kind
    return None


MODELS = {word: model for word in WORDS if (model := _model(word)) is not None}
OPERATIONS: dict[str, tuple[Attribute, ...]] = {
    word: attributes_of(model.__name__, word) for word, model in MODELS.items()
}
STRUCTURES = tuple(word for word in WORDS if word not in OPERATIONS)  # steps that hold others
DEFAULTS = {
    name: attributes_of(model, name)
    for name, model in (
        ("defaults", "Defaults"),
        ("defaults.norm", "NormDefaults"),
        ("defaults.activation", "ActivationDefaults"),
        ("defaults.init", "InitSpec"),
    )
}
RESIDUAL = attributes_of("Residual", "residual")
SHORTCUT = attributes_of("Shortcut", "shortcut")
STEP = attributes_of("Step", "step")
BRANCH = attributes_of("BranchSpec", "branch")
KINDS_OF_SHORTCUT = next(one.words for one in SHORTCUT if one.key == "kind")
LANGUAGE = (*COMMON, *WORDS)
FORMS_OF_CALLS = ("parameter", "varied", "once", "defaulted", "nested")


def forms_of(one: Attribute) -> list[str]:
    """Every form in which an attribute can be given.

    Five of them are parameters of a block: any, one that differs between calls, one that the first
    repetition alone gets, one that a call leaves out, one that the call of another block passes on.
    """
    forms = [] if one.required else ["absent"]
    forms += ["number"] if one.number is not None else []
    forms += [f"list of {n}" for n in one.lists]
    forms += [f"word {word}" for word in one.words]
    forms += ["true", "false"] if one.flag else []
    in_blocks = not one.owner.startswith("defaults")
    if one.expression:
        calls = FORMS_OF_CALLS if in_blocks else ()
        words = one.number is None and not one.flag  # which are the same for all repetitions
        forms += [*(f for f in calls if f != "once" or not words), "network parameter"]
        forms += ["expression"] if one.type in ("int", "float", "bool") else []
        forms += ["let"] if one.type == "int" and in_blocks else []
    return forms


ALL = (
    *(one for group in OPERATIONS.values() for one in group),
    *(one for group in DEFAULTS.values() for one in group),
    *(*RESIDUAL, *SHORTCUT, *STEP, *BRANCH),
)
