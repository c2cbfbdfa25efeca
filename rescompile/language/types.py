"""The kinds of value that a spec is written with: numbers or expressions, lists, padding, text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_plain_validator_function, tagged_union_schema

from ..ops import MAX_EXTENT as MAX_NUMBER
from .hints import nearest, word_help

MAX_NAME = 60
MAX_TEXT = 500
MAX_REPEAT = 10_000
_FACTOR = "write a number, such as 0.17 or -1"
_RATE = "write the share that is dropped: `0.2`, say, or 0 for none of it"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_SIZE = re.compile(r"(\d+)x(\d+)\Z")
MEANT = {"yes": "true", "on": "true", "no": "false", "off": "false"}  # what YAML 1.1 calls so
_EXPRESSION = {"type": "string", "pattern": "\\$", "description": "an expression: `$channels * 4`"}


def wrong(message: str, help: str = "", *keys: str | int) -> NoReturn:
    """Reject a value with a sentence and a way out; `keys` lead to the key to point at."""
    context = {"message": message, "help": help, "keys": keys}
    raise PydanticCustomError("value", "{message}", context)


def unknown_key(message: str, help: str, key: str) -> NoReturn:
    """Reject a key as `wrong` does a value."""
    context = {"message": message, "help": help, "keys": (key,), "code": "E110"}
    raise PydanticCustomError("value", "{message}", context)


def absent(key: str, help: str) -> NoReturn:
    """Reject a mapping as `wrong` does, since it lacks a key."""
    message = f"the key '{key}' is missing"
    context = {"message": message, "help": help, "keys": (), "code": "E111"}
    raise PydanticCustomError("value", "{message}", context)


def wrong_word(message: str, help: str, instead: str) -> NoReturn:
    """Reject a word as `wrong` does; `instead` is one that may be meant."""
    context = {"message": message, "help": help, "keys": (), "instead": instead}
    raise PydanticCustomError("value", "{message}", context)


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


def _int(value: Any, least: int = 0, most: int = MAX_NUMBER) -> Any:
    if is_expression(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        help = "write a number, such as 64, or an expression, such as `$channels * 4`"
        if isinstance(value, str) and NAME.match(value):
            help = f"write `${value}` if a parameter is meant"
        elif isinstance(value, str) and (sides := _SIZE.match(value)):
            help = f"write `[{sides[1]}, {sides[2]}]` for rows and columns, or one number for both"
        elif isinstance(value, str):
            help = (
                "write it without quotes and leading zeros"
                if value.isdigit()
                else "an expression has names with `$`"
            )
        elif isinstance(value, float):
            help = "nothing is rounded for you: write a whole number"
        wrong(f"expected a whole number or an expression, found {shown(value)}", help)
    if not least <= value <= most:
        help = f"write {least} or more" if value < least else f"write {most} or less"
        wrong(f"expected a whole number from {least} to {most}, found {value}", help)
    return value


def _from(least: int, most: int) -> Callable[[Any], Any]:
    return lambda value: _int(value, least, most)


def _rate(value: Any) -> Any:
    if is_expression(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong(f"expected a number or an expression, found {shown(value)}", _RATE)
    if not 0 <= value < 1:
        wrong(f"expected a rate of at least 0 and less than 1, found {value}", _RATE)
    return value


def _plain_float(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        help = (
            "write it without quotes: `0.1`, say" if isinstance(value, str) else "write `0.1`, say"
        )
        wrong(f"expected a number, found {shown(value)}", help)
    return value


def _factor(value: Any) -> Any:
    if is_expression(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        wrong(f"expected a number or an expression, found {shown(value)}", _FACTOR)
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        message = f"expected a number from -{MAX_NUMBER} to {MAX_NUMBER}, found {value}"
        wrong(message, _FACTOR)
    return value


def _within(
    low: float, high: float, wanted: str, help: str = "", *, open: bool = True
) -> Callable[[Any], Any]:
    """A plain number from `low` (itself not, if `open`) to `high`."""

    def check(value: Any) -> Any:
        number = _plain_float(value)
        if not low <= number <= high or (open and number == low):
            wrong(f"expected {wanted}, found {number}", help)
        return number

    return check


def _bool(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if is_expression(value):
        help = f"write two steps of one name, `when: {value}` and `when: not ({value})`"
        wrong(f"expected true or false, found the expression {shown(value)}", help)
    word = MEANT.get(str(value).lower(), "true` or `false")
    help = f"write `{word}`: words such as yes, no, on and off are text"
    wrong(f"expected true or false, found {shown(value)}", help)


def _condition(value: Any) -> Any:
    if is_expression(value) or isinstance(value, bool):
        return value
    if str(value).lower() in MEANT:
        return _bool(value)
    help = "write `true`, `false`, or an expression whose names have a `$`"
    wrong(f"expected a condition such as `$stride > 1`, found {shown(value)}", help)


def _tuple(counts: tuple[int, ...], what: str, least: int = 0) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, list):
            if len(value) not in counts:
                help = "a list has a number for each axis of the maps"
                wrong(f"expected {what}, found a list of {len(value)}", help)
            return tuple(_int(v, least) for v in value)
        return _int(value, least)

    return check


EXTENTS, SIDES = (1, 2, 3), (1, 2, 3, 4, 6)  # how many numbers lists have, by the axes of maps
_EDGES = "one number, or one for each axis"
_SIDES = "one number, one for each axis, or two, as in [top, bottom, left, right]"


def _padding(value: Any) -> Any:
    if value in ("same", "causal"):
        return value
    if value == "valid":
        wrong("there is no padding 'valid'", "write `padding: 0`")
    return _tuple(SIDES, _SIDES)(value)


def _symmetric(what: str) -> Callable[[Any], Any]:
    """Padding that is alike on opposite sides, of `what`."""

    def check(value: Any) -> Any:
        if value == "same":
            wrong(f"{what} has no `same` padding: say how many pixels", "write `padding: 1`, say")
        if isinstance(value, list) and len(value) in (4, 6):
            wrong(
                f"{what} pads alike on opposite sides, but this is a list of {len(value)}",
                "write one number, or one for each axis",
            )
        return _tuple(EXTENTS, _EDGES)(value)

    return check


def as_text(value: Any) -> Any:
    if not isinstance(value, str):
        wrong(f"expected text, found {shown(value)}", "put quotes around it")
    if len(value) > MAX_TEXT:
        wrong(f"the text is longer than {MAX_TEXT} characters", "write it in fewer words")
    if not all(c.isprintable() for c in value.strip()):
        wrong("the text holds control characters or line breaks", "remove them")
    return value.strip()


class Rule:
    """A check that stands for pydantic's own, and the JSON schema of what passes it.

    Unlike a BeforeValidator it costs no look at signatures and no second validator.
    """

    def __init__(self, check: Callable[[Any], Any], **schema: Any) -> None:
        self.check = check
        self.schema = schema

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


class Either:
    """Which member of a union is meant is told by `tell`, so that errors speak of that one alone.

    `tags` are what `tell` returns for the members, in their order. It does what pydantic's own
    Discriminator and Tag do, without importing all of pydantic's types.
    """

    def __init__(self, tell: Callable[[Any], str], *tags: str) -> None:
        self.tell = tell
        self.tags = tags

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        union: Any = handler(source)
        members = dict(zip(self.tags, union["choices"], strict=True))
        return tagged_union_schema(members, self.tell)


def choice(words: Iterable[str], what: str = "word") -> Rule:
    """Accepts a word out of a few; an expression may stand for it."""

    def check(value: Any) -> Any:
        if is_expression(value):
            return value
        if not isinstance(value, str) or value not in words:
            word = str(value)[:MAX_NAME]
            wrong_word(
                f"unknown {what} {shown(value)}", word_help(word, words), nearest(word, words)
            )
        return value

    return Rule(check, anyOf=[{"enum": list(words)}, _EXPRESSION])


_NUMBER: dict[str, Any] = {"type": "number"}
_SHARE = {**_NUMBER, "exclusiveMinimum": 0, "maximum": 1}


def _extent(least: int, most: int = MAX_NUMBER) -> dict[str, Any]:
    return {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, _EXPRESSION]}


def _extents(least: int, *counts: int) -> dict[str, Any]:
    one = _extent(least)
    runs = [(n, m) for n in counts if n - 1 not in counts for m in counts if m + 1 not in counts]
    lists = [
        {"type": "array", "items": one, "minItems": n, "maxItems": m}
        for n, m in runs
        if n <= m and {*range(n, m + 1)} <= {*counts}
    ]
    return {"anyOf": [*one["anyOf"], *lists]}


_EPSILON = "write `epsilon: 1.0e-5`, say"
_MOMENTUM = "momentum is the weight of the new batch, as in PyTorch: Keras' 0.99 is 0.01 here"

Int = Annotated[int | str, Rule(_int, **_extent(0))]
Positive = Annotated[int | str, Rule(_from(1, MAX_NUMBER), **_extent(1))]
Repeat = Annotated[int | str, Rule(_from(0, MAX_REPEAT), **_extent(0, MAX_REPEAT))]
Rate = Annotated[
    float | str, Rule(_rate, anyOf=[{**_NUMBER, "minimum": 0, "exclusiveMaximum": 1}, _EXPRESSION])
]
_SIGNED = {**_NUMBER, "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
Factor = Annotated[float | str, Rule(_factor, anyOf=[_SIGNED, _EXPRESSION])]
PlainFloat = Annotated[float, Rule(_plain_float, **_NUMBER)]
Epsilon = Annotated[
    float, Rule(_within(0, 1, "a number above 0 and at most 1", _EPSILON), **_SHARE)
]
Momentum = Annotated[
    float, Rule(_within(0, 1, "a momentum above 0 and at most 1", _MOMENTUM), **_SHARE)
]
Slope = Annotated[
    float,
    Rule(
        _within(0, 1, "a slope from 0 to 1", "write `slope: 0.01`, say", open=False),
        **_NUMBER,
        minimum=0,
        maximum=1,
    ),
]
Alpha = Annotated[
    float,
    Rule(
        _within(0.001, 100, "a number from 0.001 to 100", "write `alpha: 1.0`, say", open=False),
        **_NUMBER,
        minimum=0.001,
        maximum=100,
    ),
]
Deviation = Annotated[
    float,
    Rule(
        _within(0, 10, "a number above 0 and at most 10", "write `std: 0.01`, say"),
        **{**_SHARE, "maximum": 10},
    ),
]
Bool = Annotated[bool, Rule(_bool, type="boolean")]
Condition = Annotated[bool | str, Rule(_condition, anyOf=[{"type": "boolean"}, _EXPRESSION])]
Extents = Annotated[Any, Rule(_tuple(EXTENTS, _EDGES, 1), **_extents(1, *EXTENTS))]
ExtentsFromZero = Annotated[Any, Rule(_tuple(EXTENTS, _EDGES), **_extents(0, *EXTENTS))]
Sides = Annotated[Any, Rule(_tuple(SIDES, _SIDES), **_extents(0, *SIDES))]
PoolPadding = Annotated[
    Any,
    Rule(
        lambda value: value if value == "same" else _symmetric("a pool")(value),
        anyOf=[{"enum": ["same"]}, *_extents(0, *EXTENTS)["anyOf"]],
    ),
]
Cut = Annotated[Any, Rule(_symmetric("a transposed convolution"), **_extents(0, *EXTENTS))]
Padding = Annotated[
    Any, Rule(_padding, anyOf=[{"enum": ["same", "causal"]}, *_extents(0, *SIDES)["anyOf"]])
]
Text = Annotated[str, Rule(as_text, type="string", maxLength=MAX_TEXT)]
