"""Names in a spec: which words can be one, and of what."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeGuard

from ..reserved import KEYWORDS, child_name
from .hints import QUOTES, is_torn
from .types import MAX_NAME, NAME, Rule, shown, wrong

_PART = r"(?:[A-Za-z0-9_-]|\{name\})*"
_WORD = r"(?:[A-Za-z]|\{name\})(?:[A-Za-z0-9_]|\{name\})*"  # of what code has as an attribute
_BRANCHES = re.compile(rf"{_WORD}(?:\{{[in]\}}[A-Za-z0-9_]*|\.\{{i\}})\Z")
_MEMBER = re.compile(r"([^.]*)((?:\.(?:0|[1-9][0-9]{0,2}))+)\Z")  # a list of a list has two numbers
_INSIDE = re.compile(r"[A-Za-z0-9_-]+")  # children of groups have numbers, names, or patterns
_FILLED = re.compile(r"\{[^{}]*\}")  # where a name has a number: that of a turn, or an expression
_CHILDREN = re.compile(rf"{_PART}\{{[in]\}}{_PART}\Z")

# Names that a spec cannot give to values of its own; a test compares them with their sources.
KNOWN = ("in_channels", "index", "block_count")
KNOWN_OUTSIDE = ("block_index",)  # which a block does not see
OF_NETWORK = ("classes", "shortcut")  # keys of the network that expressions name like parameters
CALL_KEYS = (
    "block",
    "from",
    "name",
    "when",
    "repeat",
    "children",
)  # the others of a call are arguments


def as_name(value: Any) -> Any:
    if not isinstance(value, str):
        wrong(
            f"expected a name, found {shown(value)}",
            "a name begins with a letter, also where a number would do",
        )
    if not NAME.match(value) or len(value) > MAX_NAME:
        rule = f"a name has letters, digits and _, begins with a letter, at most {MAX_NAME} long"
        wrong(f"{shown(value)} is not a name", QUOTES if is_torn(value) else rule)
    return value


def filled(name: str, number: Callable[[str], str]) -> str:
    """A pattern of names with a number in the place of what stands in its braces."""
    return _FILLED.sub(lambda found: number(found[0][1:-1]), name)


def is_pattern(value: Any) -> TypeGuard[str]:
    """Whether a name has braces, for which the turn of what repeats gives a number."""
    return isinstance(value, str) and "{" in value


def _or_pattern(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The rule of a name, or of a pattern that gives such names: that stays as it is."""

    def checked(value: Any) -> Any:
        if not is_pattern(value):
            return check(value)
        check(filled("x" * value.startswith("{") + value, lambda inside: "0"))
        return value

    return checked


def is_member(name: str) -> bool:
    """Whether a name is that of a member of a list: `convs.0`."""
    return bool(_MEMBER.match(name))


def as_child_name(value: Any) -> str:
    """The name of a step, as code has it; `convs.0` is a member of the list `convs`."""
    listed = _MEMBER.match(value) if isinstance(value, str) else None
    if isinstance(value, str) and "." in value and not listed:
        help = "a member of a list is called by its number, from `convs.0` to `convs.999`"
        wrong(f"{shown(value)} is not a name", help)
    as_name(listed[1] if listed else value)
    return child_name(value)


def step_value(value: Any) -> str:
    """The value that leaves a step or a step of a group, or one of those that a call gives."""
    if not isinstance(value, str) or is_member(value):
        return as_child_name(value)
    first, dot, inside = value.partition(".")
    name = as_child_name(first)
    if "." in inside:
        message = f"{shown(value)} lies too deep: values leave steps, and steps of groups"
        inner = inside.partition(".")[0]
        wrong(message, f"write '{first}' or '{first}.{inner}'")
    if dot and not _INSIDE.fullmatch(inside):
        wrong(f"{shown(value)} names no step of a group", "write `features.3`, say")
    return f"{name}{dot}{child_name(inside)}"


def _sources(value: Any) -> Any:
    """One such value, or a list of them."""
    if not isinstance(value, list):
        return _or_pattern(step_value)(value)
    if not value:
        wrong("a list of no values", "name what the block is given, in its order")
    return [_or_pattern(step_value)(one) for one in value]


def _port_name(value: Any) -> str:
    """The name of what comes into a network or a block, or leaves a block: no member of a list."""
    return child_name(as_name(value))


def _value_name(value: Any) -> Any:
    """The name of a block's own value: none that expressions in a block know already."""
    name = as_name(value)
    if name in KNOWN:
        wrong(f"`${name}` has a meaning of its own in expressions", f"use '{name}_1', say")
    return name


def _global_name(value: Any) -> Any:
    """The name of a parameter of the network, which no other key of the network gives."""
    name = _value_name(value)
    if name in KNOWN_OUTSIDE:
        help = f"use '{name}_1', say"
        wrong(f"`${name}` has a meaning of its own in the network's steps", help)
    if name in OF_NETWORK:
        help = f"write `{name}:` at the top of the spec, or use another name"
        wrong(f"`${name}` is what the key `{name}` of the network says", help)
    return name


def _parameter_name(value: Any) -> Any:
    """The name of a parameter of a block, which is a key of its calls."""
    name = _value_name(value)
    if name in CALL_KEYS:
        wrong(f"`{name}:` has a meaning of its own in a call", f"use '{name}_1', say")
    return name


def _network_name(value: Any) -> Any:
    name = as_name(value)
    if name in KEYWORDS:
        help = f"use '{name}_net', say"
        wrong(f"'{name}' is a word of Python: no function can be called so", help)
    if hasattr(builtins, name):
        wrong(f"'{name}' is a function of Python, which the emitted one would hide", "rename it")
    return name


def _branches(value: Any) -> Any:
    """The names of a join's branches, which may be members of a list."""
    if not isinstance(value, str) or len(value) > MAX_NAME or not _BRANCHES.match(value):
        wrong(
            f"expected a pattern for names of branches, found {shown(value)}",
            "write `{name}{n}` to count from one, or `{name}.{i}` for the members of a list",
        )
    return value


def _children(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > MAX_NAME or not _CHILDREN.match(value):
        wrong(
            f"expected a pattern for names, found {shown(value)}",
            "write `denselayer{n}` to count from one, or `block{i}` to count from zero",
        )
    return value


NAMES: dict[str, Any] = {
    "type": "string",
    "pattern": "^[A-Za-z][A-Za-z0-9_]*$",
    "maxLength": MAX_NAME,
}
Name = Annotated[str, Rule(as_name, **NAMES)]
_NUMBERED = r"([A-Za-z0-9_]|\{[^{}]*\})*"
ChildName = Annotated[
    str,
    Rule(
        _or_pattern(as_child_name),
        type="string",
        pattern=rf"^[A-Za-z]{_NUMBERED}(\.((0|[1-9][0-9]{{0,2}})|\{{[^{{}}]*\}}))*$",
    ),
]
StepValue = Annotated[str, Rule(_or_pattern(step_value), type="string")]
ValueName = Annotated[str, Rule(_value_name, **NAMES)]
PortName = Annotated[str, Rule(_port_name, **NAMES)]
PortNames = Annotated[
    str,
    Rule(_or_pattern(_port_name), type="string", pattern=rf"^[A-Za-z]{_NUMBERED}$"),
]
_SOURCE = {"type": "string"}
Sources = Annotated[
    str | list[str],
    Rule(_sources, anyOf=[_SOURCE, {"type": "array", "minItems": 1, "items": _SOURCE}]),
]
ParameterName = Annotated[str, Rule(_parameter_name, **NAMES)]
GlobalName = Annotated[str, Rule(_global_name, **NAMES)]
NetworkName = Annotated[str, Rule(_network_name, **NAMES)]
Children = Annotated[str, Rule(_children, type="string", pattern=r"\{[in]\}", maxLength=MAX_NAME)]
Numbered = Annotated[str, Rule(_branches, type="string", pattern=r"\{[in]\}", maxLength=MAX_NAME)]
