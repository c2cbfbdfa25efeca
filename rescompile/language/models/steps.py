"""Steps: one operation each, or a group, a join, a residual, a block call."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import ConfigDict, Field, create_model, model_validator

from ..foreign import KINDS, STEPS
from ..hints import key_help, word_help
from ..names import CALL_KEYS, ChildName, Name, Numbered, Sources, ValueName
from ..types import Bool, Condition, Either, Factor, Rate, Repeat, unknown_key, wrong
from .base import Model
from .common import COMMON, INDEX, Common
from .operations import ACTIVATIONS, NORMS, OPERATIONS, ShortcutKind
from .table import Table


def _is_list(value: Any) -> str:
    if isinstance(value, dict) and "branch" in value:
        return "in full"
    return "steps" if isinstance(value, list) else "step"


def _listed(value: Any) -> str:
    return "in full" if _is_list(value) == "in full" else "as a list"


def _branches(value: Any) -> str:
    if not isinstance(value, dict):
        return "listed"
    repeats = "branch" in value and isinstance(value.get("repeat"), (int, str))
    return "repeated" if repeats else "named"


def _shortcut(value: Any) -> str:
    if isinstance(value, str):
        return "kind"
    return "steps" if isinstance(value, list) else "shortcut"


Steps = Annotated[list["Step"], Field(max_length=2000)]
StepOrSteps = Annotated[
    Union["Step", Steps, "BranchSpec"], Either(_is_list, "step", "steps", "in full")
]
OneOrMore = Annotated[Union["Step", Steps], Either(_is_list, "step", "steps")]
Listed = Annotated[Union[Steps, "BranchSpec"], Either(_listed, "as a list", "in full")]
Branches = Annotated[
    Union[dict[Name, StepOrSteps], list[Listed], "BranchSpec"],
    Either(_branches, "named", "listed", "repeated"),
]


class BranchSpec(Model):
    """A branch of a join in full: its steps, whether it is there, and how often.

    Both are known where the block is called: calls that differ in them make different classes, as
    those do that differ in words.
    """

    branch: OneOrMore = Field(
        description="The steps; an empty list is the input itself. A single one without a list is "
        "called as the branch is."
    )
    when: Condition = Field(True, description="Where false the join has no such branch.")
    repeat: Repeat | None = Field(
        None,
        description="How many such branches there are, side by side; `$index` is the number of "
        "each, from 0.",
    )
    children: Numbered | None = Field(
        None,
        description="The pattern of their names where the branch has one, `{name}{n}` if not said; "
        "`{name}.{i}` makes a list of them.",
    )
    index: ValueName | None = Field(None, description=INDEX)

    @model_validator(mode="after")
    def _repeated(self) -> "BranchSpec":
        if self.index is not None and self.repeat is None:
            help = "add `repeat:`, or remove it"
            wrong("`index` tells branches apart that repeat, but this is one", help, "index")
        if self.children is not None and self.repeat is None:
            help = "add `repeat:`, or leave the branch its own name"
            wrong("`children` names branches that repeat, but this is one", help, "children")
        return self


class Shortcut(Model):
    """A shortcut in full: a kind or steps of its own, and details of it.

    `norm: false` leaves the projection without its normalisation; `pad` puts the zero channels of
    option A on both sides or after; `where` tells when `steps` are taken.
    """

    kind: ShortcutKind | None = Field(None, description="One of the kinds below.")
    steps: Steps | None = Field(None, description="The shortcut's own steps instead.")
    where: Literal["always", "shape_changes"] = Field(
        "always",
        description="Whether own steps are always taken, or only where the branch changes the "
        "shape; else the shortcut is the identity.",
    )
    norm: Bool = Field(True, description="Whether a projection is normalised.")
    pad: Literal["both", "after"] = Field(
        "both", description="Where the zero channels of `pad` go."
    )

    @model_validator(mode="after")
    def _one(self) -> "Shortcut":
        if (self.kind is None) == (self.steps is None):
            wrong("a shortcut has either a `kind` or `steps`", "write `kind: projection`, say")
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        return "write a kind, `shortcut: projection` say, or a list of steps"


ShortcutField = Annotated[
    ShortcutKind | Steps | Shortcut, Either(_shortcut, "kind", "steps", "shortcut")
]


class ShortcutArgument(Model):
    """What a call gives for a parameter of type `shortcut`."""

    shortcut: ShortcutField


class Residual(Model):
    """y = branch(preactivation(x)) + shortcut(x).

    A shortcut that is not the identity starts from x, or, with `tap: preactivation`, from
    preactivation(x). `when` is the condition under which the shortcut exists; where it does,
    `scale` is what the branch is multiplied by before the sum, and `drop` the rate at which
    training leaves it out (stochastic depth).
    """

    branch: Steps = Field(description="The steps whose result the shortcut is added to.")
    shortcut: ShortcutField = Field(
        description="A kind, a list of steps, or a mapping; usually `$shortcut`, the network's."
    )
    preactivation: Steps = Field(default_factory=list, description="Steps before the branch.")
    tap: Literal["input", "preactivation"] = Field(
        "input", description="Where a shortcut that is not the identity starts."
    )
    when: Condition = Field(
        True, description="Where false, nothing is added and the shortcut's steps do not exist."
    )
    drop: Rate | None = Field(
        None,
        description="The rate at which training leaves the branch out of a sample, where there is "
        "a shortcut (stochastic depth).",
    )
    scale: Factor | None = Field(
        None,
        description="What the branch is multiplied by before the sum, where there is a shortcut: "
        "a number of any sign (Szegedy et al. 2016).",
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "Residual":
        if not self.branch:
            wrong("the branch of a residual is empty", "give it at least one step", "branch")
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `{branch: [...], shortcut: $shortcut}`"


if TYPE_CHECKING:
    Operation = Common
else:
    fields = {word: (model | None, None) for word, model in OPERATIONS.items()}
    Operation = create_model("Operation", __base__=Common, __module__=__name__, **fields)


class Step(Operation):
    """One step: exactly one operation, group, join, residual or block call, perhaps with a name.

    In a call every key that is none of calls is an argument, whatever steps of such a name do.
    """

    model_config = ConfigDict(extra="allow")

    group: Steps | None = Field(
        None, description="Steps one after the other in a sequence of their own."
    )
    steps: Steps | None = Field(
        None,
        description="With `repeat`: steps repeated where they stand, in a sequence or written out. "
        "They take no `when`; the call of an `inline` block that holds them does.",
    )
    table: Table | None = Field(
        None, description="Steps, one for each row of a table. They stand where the table does."
    )
    positions: Steps | None = Field(
        None,
        description="Steps at each position of a map by itself, which find the channels last: "
        "linear layers, layer norms, activations and dropout.",
    )
    add: Branches | None = Field(
        None, description="Branches, added; small ones are spread as by `multiply`."
    )
    multiply: Branches | None = Field(
        None,
        description="Branches, multiplied; one of a value for each channel (C x 1 x 1) is spread "
        "over all positions, and one map (1 x H x W) over all channels.",
    )
    concat: Branches | None = Field(
        None, description="Branches, their channels one after the other."
    )
    residual: Residual | None = Field(
        None, description="A branch and the shortcut around it, added."
    )
    block: Name | None = Field(
        None, description="The name of a block to call. All other keys are its parameters."
    )
    from_: Sources | None = Field(
        None,
        alias="from",
        description="The value that left an earlier step of that name, or an input, instead of "
        "what comes in. Of a call: the values that the block is given, in the order of its "
        "`inputs`.",
    )
    reuse: ChildName | None = Field(
        None,
        description="An earlier step of that name again, with the same weights: an operation, a "
        "group or a block call, to which as many channels come in.",
    )

    @classmethod
    def declared(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "block" not in value:
            return value
        return {key: given for key, given in value.items() if key in CALL_KEYS}

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        words = [w for w in WORDS if _field(w) in self.model_fields_set]
        words = ["block"] if "block" in words else words
        extras = list(self.__pydantic_extra__ or {})
        if not words and extras:
            wrong(f"unknown step '{extras[0]}'", _step_help(extras[0]), extras[0])
        if not words:
            wrong("a step must say what it does", "write `conv: {...}` or `block: NAME`, say")
        if len(words) > 1:
            wrong(
                f"a step does one thing, but this one has `{words[0]}` and `{words[1]}`",
                "make two steps of it, each with its own dash",
                words[1],
            )
        if self.options is None:
            wrong(f"`{words[0]}` has nothing after it", _empty_help(words[0], extras), words[0])
        if extras:
            self._refuse(extras[0], words[0])
        if words[0] == "layer_scale" and self.when is not True:
            wrong("a `layer_scale` step has no condition", "put it into a block of its own", "when")
        self.check_beside(words[0])
        self._check_from(words[0])
        return self

    def _refuse(self, key: str, word: str) -> None:
        """Refuse a key that stands beside an operation, where it may belong inside."""
        help = key_help(key, (*COMMON, *WORDS))
        if key in getattr(type(self.options), "model_fields", {}):
            help = f"it belongs to `{word}`: write `{word}: {{{key}: ...}}`, or indent it deeper"
        unknown_key(f"unknown key '{key}' in a `{word}` step", help, key)

    def _check_from(self, word: str) -> None:
        if word == "from" and isinstance(self.from_, list):
            help = (
                "one value comes in at a time; a call takes several: `{block: NAME, from: [...]}`"
            )
            wrong("a `from` step goes back to one value", help, "from")
        if word == "from" and (self.name is not None or self.when is not True):
            help = "the value has the name of its step, and it is there always"
            wrong("a `from` step stands alone", help, "when" if self.name is None else "name")

    @classmethod
    def example(cls, value: Any) -> str:
        if value in WORDS:
            return f"write `{value}: {{}}`"
        return _step_help(value) if isinstance(value, str) else "write `conv: {...}`, say"

    @property
    def word(self) -> str:
        """The key that says what the step does."""
        found = (w for w in WORDS if _field(w) in self.model_fields_set)
        return "block" if self.block is not None else next(found)

    @property
    def options(self) -> Any:
        """What stands after that key."""
        return getattr(self, _field(self.word))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a block call, by the names of parameters."""
        return {key: value for key, value in self.tree.items() if key not in CALL_KEYS}


WORDS = tuple(name.rstrip("_") for name in Step.model_fields if name not in COMMON)


def _field(word: str) -> str:
    """The attribute of a key: Python keeps the word `from` for itself."""
    return "from_" if word == "from" else word


def _empty_help(word: str, beside: list[str]) -> str:
    """What is to stand after a word of the language."""
    if word in ("block", "from", "reuse"):
        return f"write `{word}: NAME`"
    if beside:
        return f"its keys, `{beside[0]}` first, stand beside it: indent them deeper"
    return f"write `{word}: {{}}` for an operation with its defaults"


def _step_help(word: str) -> str:
    """What a step that does not exist is called here."""
    if word in ACTIVATIONS:
        return f"write `activation: {{kind: {word}}}`"
    plain = word.lower().replace("_", "")
    kind = plain.removesuffix("2d").removesuffix("norm")
    if kind != plain and kind in NORMS and kind != "batch":
        return f"write `norm: {{kind: {kind}}}`"
    if KINDS.get(plain) in ACTIVATIONS and plain != "identity":
        return f"write `activation: {{kind: {KINDS[plain]}}}`"
    help = word_help(word, WORDS, STEPS)
    known = help.startswith("known") and not word.startswith("-")
    return f"if it is a block, write `block: {word}`; {help}" if known else help
