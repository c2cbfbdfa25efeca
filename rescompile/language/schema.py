"""The JSON Schema of specs and libraries (draft 2020-12): what an editor completes and checks.

Made from the pydantic models, their docstrings and the descriptions of their fields, with what a
validator of one file cannot know by the models alone: that a step is one operation, that a file is
a network, a change of another (`extends`) or a library, and that a change need not say everything.
"""

from __future__ import annotations

import copy
import inspect
import json
from typing import Any

from .load import LIBRARY_KEYS
from .merge import SIDES
from .models import WORDS, Model, Spec
from .models.claims import QUANTITIES
from .names import CALL_KEYS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$"}
EXTENDS = "The spec that this one changes: a file beside it, or a shipped network."
USE = "Libraries of blocks: files beside this one, or shipped ones such as `blocks/residual`."
ABOUT = "Of a library: a sentence on what its blocks are for."
ONE_OF = {"BlockSpec": ("body", "sequence", "inline"), "Claim": QUANTITIES}
CHANGE = "Changes to the steps of these names; null drops one."
SIDE = "Of a new step: the step that it stands {}."
ARGUMENT = {"type": ["number", "string", "boolean", "null"]}
Json = dict[str, Any]


def text() -> str:
    """The schema as it is committed and printed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Json:
    """The schema of a whole file."""
    made = _plain(Spec.model_json_schema())
    defs: Json = made.pop("$defs")
    docs = {kind.__name__: kind for kind in _models(Model)}
    for name, one in defs.items():
        one["description"] = _about(docs[name])
    defs["Step"] = _step(defs["Step"])
    for name, keys in ONE_OF.items():
        defs[name]["oneOf"] = [{"required": [key]} for key in keys]
    defs["InputSpec"]["oneOf"] = [{"required": ["length"]}, {"required": ["height", "width"]}]
    made["properties"]["use"] = {"type": "array", "items": REFERENCE, "description": USE}
    made["oneOf"] = [{"required": ["input"]}, {"required": ["inputs"]}]
    made["description"] = _about(Spec)
    changes = {f"{name}Change": _change(one) for name, one in {**defs, "Spec": made}.items()}
    for side in SIDES:
        told = {"type": "string", "description": SIDE.format(side)}
        changes["StepChange"]["properties"][side] = told
    changes["SpecChange"] |= {"required": ["rescompile", "extends", "name"]}
    extends = {**REFERENCE, "description": EXTENDS}
    changes["SpecChange"]["properties"]["extends"] = extends
    return {
        "$schema": DRAFT,
        "description": _about(Spec),
        "type": "object",
        "properties": {"extends": extends},  # so that editors offer it
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/SpecChange"},
        "else": {
            "if": {"required": ["blocks"], "propertyNames": {"enum": list(LIBRARY_KEYS)}},
            "then": {"$ref": "#/$defs/Library"},
            "else": {"$ref": "#/$defs/Spec"},
        },
        "$defs": {**defs, "Spec": made, "Library": _library(made["properties"]), **changes},
    }


def _plain(node: Any) -> Any:
    """Without titles made of names, and without the null that only means "not given"."""
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: {name: _plain(inner) for name, inner in value.items()}
        if key in ("properties", "patternProperties", "$defs")
        else _plain(value)
        for key, value in node.items()
        if not (key == "title" or (key == "default" and value is None))
    }
    if "patternProperties" in made:  # the keys of a mapping are names, all of them
        made["additionalProperties"] = False
    options = [option for option in made.get("anyOf", ()) if option != {"type": "null"}]
    if "anyOf" in made and len(options) == 1:
        del made["anyOf"]
        return {**options[0], **made}
    return {**made, "anyOf": options} if options else made


def _about(model: type[Model]) -> str:
    """A model's docstring, a line for each paragraph."""
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _models(base: type[Model]) -> list[type[Model]]:
    return [kind for sub in base.__subclasses__() for kind in (sub, *_models(sub))]


def _step(step: Json) -> Json:
    """A step has one word of the language; beside `block` other keys are arguments, of any name."""
    for key, field in step["properties"].items():
        if "$ref" in field and "description" not in field:
            model = field["$ref"].rsplit("/", 1)[-1]
            field["description"] = next(_about(k) for k in _models(Model) if k.__name__ == model)
        elif "description" not in field:
            raise ValueError(f"the step `{key}` has no description")
    del step["additionalProperties"]
    properties = step.pop("properties")
    calls = {key: properties.pop(key) for key in CALL_KEYS}
    known = {key: {"description": field["description"]} for key, field in properties.items()}
    return {
        **step,
        "properties": {**calls, **known},  # what editors offer where nothing stands yet
        "if": {"required": ["block"]},
        "else": {
            "properties": {**properties, **dict.fromkeys(CALL_KEYS, True)},
            "additionalProperties": False,
            "oneOf": [{"required": [word]} for word in WORDS if word != "block"],
        },
    }


def _library(properties: Json) -> Json:
    """A file of blocks alone."""
    about = {"type": "string", "description": ABOUT}
    found = {key: {**properties, "about": about}[key] for key in LIBRARY_KEYS}
    return {
        "type": "object",
        "properties": found,
        "additionalProperties": False,
        "required": ["rescompile", "blocks"],
    }


def _change(one: Json) -> Json:
    """What may be laid upon a model: any of its keys, and lists of steps by the steps' names."""
    made: Json = _loose(copy.deepcopy(one))
    if "else" in made:  # a step, of which only the base tells whether it is a call
        other = made["else"]["properties"].items()
        words = {key: {"anyOf": [inner, ARGUMENT]} for key, inner in other if key not in CALL_KEYS}
        made["properties"] |= words
    return {
        key: inner for key, inner in made.items() if key not in ("required", "oneOf", "if", "else")
    }


def _loose(node: Any) -> Any:
    """References to whole models become references to changes of them."""
    if isinstance(node, list):
        return [_loose(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "array" and node.get("items") == {"$ref": "#/$defs/Step"}:
        about = {"description": node["description"]} if "description" in node else {}
        whole = {key: value for key, value in node.items() if key != "description"}
        change = {
            "type": "object",
            "description": CHANGE,
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/StepChange"}, {"type": "null"}]},
        }
        return {"anyOf": [whole, change], **about}
    return {
        key: f"{value}Change" if key == "$ref" else _loose(value) for key, value in node.items()
    }
