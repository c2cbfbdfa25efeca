"""What pydantic finds wrong with a spec, as diagnostics at their places, each with a way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ..errors import Diagnostic, Location, SpecError
from .hints import VALUES, key_help, meant, word_help
from .located import Located, LocatedList, locate
from .models import JOINS, Model, ShortcutArgument, Spec
from .names import as_child_name, step_value
from .recovery import mend
from .types import is_expression, shown
from .yaml import Item

MAX_ROUNDS = 4  # of mending: each may bring to light what the one before hid
M = TypeVar("M", bound=Model)


def validate(root: Item) -> tuple[Spec | None, list[Diagnostic]]:
    """The spec that a tree spells, and everything that is wrong with it.

    Slips are mended, so that they hide nothing else: then there is a spec as it may be meant, whose
    names can be judged. There is none where something is wrong that cannot be mended.
    """
    located = locate(root)
    found: dict[Diagnostic, None] = {}
    for _ in range(MAX_ROUNDS):
        try:
            return Spec.model_validate(located), sorted(found, key=_order)
        except ValidationError as error:
            details = _apart(located, error.errors(include_url=False))
            found |= dict.fromkeys(_diagnostic(located, detail) for detail in details)
            mended = [mend(located, detail) for detail in details]
        if not any(mended):
            break
    return None, sorted(found, key=_order)


def shortcut(value: Any, at: Location) -> Any:
    """The shortcut that an argument of a call spells. Raises `SpecError` as `validate` does."""
    return _validated(ShortcutArgument, Located.holding("shortcut", value, at)).shortcut


def numbered(name: str, key: str, at: Location | None) -> str:
    """A name that a pattern gave under a key of a step. Raises `SpecError` as `validate` does."""
    try:
        return as_child_name(name) if key in ("name", "reuse") else step_value(name)
    except PydanticCustomError as error:
        told = error.context or {}
        found = Diagnostic("E112", str(told.get("message")), at, help=str(told.get("help", "")))
        raise SpecError([found]) from None


def _validated(model: type[M], located: Located) -> M:
    try:
        return model.model_validate(located)
    except ValidationError as error:
        details = error.errors(include_url=False)
        found = [_diagnostic(located, detail) for detail in _apart(located, details)]
        raise SpecError(sorted(set(found), key=_order)) from None


def _apart(root: Located, details: list[Any]) -> list[Any]:
    """One error for each mistake: a key that is only misspelt is not missing as well."""
    respelt = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            *path, key = detail["loc"]
            model = _within(root, path).model
            respelt.add((*path, meant(key, model.model_fields if model else ())))
    return [d for d in details if d["type"] != "missing" or d["loc"] not in respelt]


def _within(root: Located, path: list[Any]) -> Located:
    """The innermost mapping on a path, whose parts may be tags of unions too."""
    holder, value = root, cast(Any, root)
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue  # a tag
        holder = value if isinstance(value, Located) else holder
    return holder


def _order(found: Diagnostic) -> tuple[str, int, int]:
    at = found.location
    return (at.file, at.line, at.column) if at else ("", 0, 0)


def _diagnostic(root: Located, detail: Any) -> Diagnostic:
    """A pydantic error as a diagnostic at its place."""
    place, holder, value = _find(root, detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    last = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind in ("extra_forbidden", "missing"):
        return _of_key(kind, last, place, holder, value)
    if kind == "value":
        for key in context["keys"]:
            if isinstance(value, Located) and key in value:
                place, value = value.keys_at.get(key) or place, value[key]
            elif isinstance(value, LocatedList):
                place, value = value.places[key], value[key]
        code = context.get("code", "E112")
        return Diagnostic(code, context["message"], place, help=context.get("help", ""))
    help = _way_out(kind, context, detail["input"], last)
    if kind == "list_type" and isinstance(detail["input"], str) and set(JOINS) & {*detail["loc"]}:
        help = "a branch is a list of steps: `[{from: NAME}]` is the value of an earlier step"
    return Diagnostic("E112", _sentence(kind, context, detail, last), place, help=help)


def _find(root: Located, path: Sequence[Any]) -> tuple[Location, Located, Any]:
    """Where pydantic's path leads: the place, the mapping that holds the value, and the value."""
    place, holder, value, key = root.at, root, root, ""
    for part in path:
        if part == "[key]":  # of the mapping that holds the value that we came to
            place = holder.keys_at.get(key) or place
        elif isinstance(value, Located) and part in value:
            place, holder, value, key = value.places[part], value, value[part], part
        elif isinstance(value, LocatedList) and isinstance(part, int) and part < len(value):
            place, value = value.places[part], value[part]
    return place, holder, value


def _of_key(kind: str, key: str, place: Location, holder: Located, value: Any) -> Diagnostic:
    """A key that is not known here, or one that is missing."""
    at = holder.keys_at.get(key) or place
    if kind == "extra_forbidden":
        known = list(holder.model.model_fields) if holder.model else []
        return Diagnostic("E110", f"unknown key '{key}'", at, help=key_help(key, known))
    if key in holder and holder is not value:
        help = "indent it deeper, or write it into the braces: it is a key of what stands above"
        return Diagnostic("E111", f"the key '{key}' stands beside its mapping", at, help=help)
    return Diagnostic("E111", f"the key '{key}' is missing", place, help=_wanted(value, key))


def _wanted(value: Any, key: str) -> str:
    known = value.model.model_fields if isinstance(value, Located) and value.model else {}
    return f"add `{key}: {VALUES.get(key, '...')}`" if key in known else ""


def _way_out(kind: str, context: Any, found: Any, key: str) -> str:
    """What to write in the place of a value that pydantic refused."""
    if kind == "literal_error":
        words = re.findall(r"'([^']+)'", str(context.get("expected", "")))
        if key == "rescompile":
            return "write `rescompile: 1`, the only version of the language there is"
        return word_help(str(found), words)
    if kind == "list_type" and isinstance(found, dict) and str(next(iter(found), ""))[:1] == "-":
        return "put a space after the dash: `- conv: {...}`"
    if kind == "int_type" and is_expression(found):
        return "an expression has no place here: write the number"
    return {
        "list_type": "write a list: each element on its own line after a dash, or `[...]`",
        "dict_type": "write a mapping: `key: value` on lines of their own, or `{key: value}`",
        "int_type": f"write it without quotes and fraction: `{key}: 32`, say",
        "greater_than_equal": f"write {context.get('ge')} or more",
        "less_than_equal": f"write {context.get('le')} or less",
        "too_long": "put some of them into a block, and repeat it",
    }.get(kind, "")


def _sentence(kind: str, context: Any, detail: Any, last: str) -> str:
    found = detail["input"]
    wanted = {
        "list_type": "a list",
        "dict_type": "a mapping",
        "int_type": "a whole number",
        "literal_error": str(context.get("expected", "another word")),
        "greater_than_equal": f"at least {context.get('ge')}",
        "less_than_equal": f"at most {context.get('le')}",
        "too_long": f"at most {context.get('max_length')} of them",
    }.get(kind)
    if wanted is None:
        return f"{last}: {detail['msg']}" if last else str(detail["msg"])
    subject = f"{last}: " if last.isidentifier() else ""
    return f"{subject}expected {wanted}, found {shown(found)}"
