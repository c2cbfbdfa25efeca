"""The kinds of value that a spec is written with: numbers or expressions, pairs, padding, names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..errors import did_you_mean

MAX_NAME = 60
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_CHILDREN = re.compile(r"[A-Za-z0-9_-]*\{[in]\}[A-Za-z0-9_-]*\Z")
_EXPRESSION = {"type": "string", "pattern": "\\$", "description": "an expression: `$channels * 4`"}


def wrong(message: str, help: str = "", key: str = "") -> NoReturn:
    """Reject a value with a sentence and a way out; `key` is the one to point at."""
    raise PydanticCustomError("value", "{message}", {"message": message, "help": help, "key": key})


def shown(value: object) -> str:
    """A value as a diagnostic quotes it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 50 else f"{text[:46]}...'"


def is_expression(value: object) -> bool:
    """Whether a string is meant as an expression: it holds the sigil."""
    return isinstance(value, str) and "$" in value


def _int(value: Any) -> Any:
    if is_expression(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        help = ""
        if isinstance(value, str) and _NAME.match(value):
            help = f"write `${value}` if a parameter is meant"
        wrong(f"expected a whole number or an expression, found {shown(value)}", help)
    if value < 0:
        wrong(f"expected a number that is not negative, found {value}")
    return value


def _float(value: Any) -> Any:
    if is_expression(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong(f"expected a number or an expression, found {shown(value)}")
    return value


def _plain_float(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong(f"expected a number, found {shown(value)}")
    return value


def _within(low: float, high: float, wanted: str, *, open: bool) -> Callable[[Any], Any]:
    """A plain number from `low` (itself not, if `open`) to `high`."""

    def check(value: Any) -> Any:
        number = _plain_float(value)
        if not low <= number <= high or (open and number == low):
            wrong(f"expected {wanted}, found {number}")
        return number

    return check


def _bool(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    wrong(f"expected true or false, found {shown(value)}")


def _condition(value: Any) -> Any:
    if isinstance(value, bool) or is_expression(value):
        return value
    wrong(f"expected a condition such as `$stride > 1`, found {shown(value)}")


def _tuple(counts: tuple[int, ...], what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, list):
            if len(value) not in counts:
                wrong(f"expected {what}, found a list of {len(value)}")
            return tuple(_int(v) for v in value)
        return _int(value)

    return check


def _padding(value: Any) -> Any:
    if value == "same":
        return value
    wanted = "one number, [vertical, horizontal], or [top, bottom, left, right]"
    return _tuple((2, 4), wanted)(value)


def _pool_padding(value: Any) -> Any:
    if value == "same":
        wrong("a pool has no `same` padding: say how many pixels", "write `padding: 1`, say")
    if isinstance(value, list) and len(value) == 4:
        wrong(
            "a pool pads alike on opposite sides, but this is a list of 4",
            "write one number or [vertical, horizontal]",
        )
    return _tuple((2,), "one number or [vertical, horizontal]")(value)


def _name(value: Any) -> Any:
    if not isinstance(value, str):
        wrong(f"expected a name, found {shown(value)}", "put quotes around it if it is a number")
    if not _NAME.match(value) or len(value) > MAX_NAME:
        wrong(
            f"{shown(value)} is not a name",
            f"a name has letters, digits and _, begins with a letter, at most {MAX_NAME} long",
        )
    if keyword.iskeyword(value) or keyword.issoftkeyword(value):
        wrong(f"'{value}' is a word of Python and cannot be a name", f"use '{value}_1', say")
    return value


def _children(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= MAX_NAME and _CHILDREN.match(value):
        return value
    wrong(
        f"expected a pattern for names, found {shown(value)}",
        "write `denselayer{n}` to count from one, or `block{i}` to count from zero",
    )


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        wrong(f"expected text, found {shown(value)}", "put quotes around it")
    if len(value) > 500:
        wrong("the text is longer than 500 characters")
    if not all(c.isprintable() for c in value.strip()):
        wrong("the text holds control characters or line breaks")
    return value.strip()


def choice(words: Iterable[str], what: str = "word") -> BeforeValidator:
    """Accepts a word out of a few; an expression may stand for it."""

    def check(value: Any) -> Any:
        if is_expression(value):
            return value
        if value not in words:
            wrong(f"unknown {what} {shown(value)}", did_you_mean(str(value), words))
        return value

    return BeforeValidator(check)


def enum(words: Iterable[str]) -> WithJsonSchema:
    """The JSON schema of a choice."""
    return WithJsonSchema({"enum": list(words)})


Int = Annotated[
    int | str,
    BeforeValidator(_int),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, _EXPRESSION]}),
]
Float = Annotated[
    float | str,
    BeforeValidator(_float),
    WithJsonSchema({"anyOf": [{"type": "number"}, _EXPRESSION]}),
]
PlainFloat = Annotated[float, BeforeValidator(_plain_float)]
Epsilon = Annotated[
    float, BeforeValidator(_within(0, 1, "a number above 0 and at most 1", open=True))
]
Momentum = Annotated[
    float, BeforeValidator(_within(0, 1, "a momentum above 0 and at most 1", open=True))
]
Slope = Annotated[float, BeforeValidator(_within(0, 1, "a slope from 0 to 1", open=False))]
Deviation = Annotated[float, BeforeValidator(_within(0, 10, "a number above 0", open=True))]
Bool = Annotated[bool, BeforeValidator(_bool)]
Condition = Annotated[
    bool | str,
    BeforeValidator(_condition),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, _EXPRESSION]}),
]
Pair = Annotated[Any, BeforeValidator(_tuple((2,), "one number or [vertical, horizontal]"))]
Padding = Annotated[Any, BeforeValidator(_padding)]
PoolPadding = Annotated[Any, BeforeValidator(_pool_padding)]
Name = Annotated[str, BeforeValidator(_name)]
Children = Annotated[str, BeforeValidator(_children)]
Text = Annotated[str, BeforeValidator(_text)]
