"""Blocks for random networks: definitions in the language, and what leaves them, in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, int, int]
Arguments = dict[str, Any]


@dataclass(frozen=True)
class BlockKind:
    """A block: `output` gives the shape for all arguments, `options` those that a call may give."""

    definition: dict[str, Any]
    output: Callable[[Mapping[str, Any], Shape], Shape]
    options: dict[str, list[Any]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)


def _strided(n: int, stride: int) -> int:
    return (n - 1) // stride + 1


def _to(channels: int, given: Mapping[str, Any], x: Shape) -> Shape:
    return channels, _strided(x[1], given["stride"]), _strided(x[2], given["stride"])


def _make_divisible(value: float, divisor: int) -> int:
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


PARAMETERS = {
    "channels": {"type": "int"},
    "stride": {"type": "int", "default": 1, "once": True},
}


def _conv(channels: Any, kernel: int = 3, **more: Any) -> dict[str, Any]:
    return {"conv": {"channels": channels, "kernel": kernel, **more}}


def _residual(given: Mapping[str, Any], x: Shape) -> Shape:
    return _to(given["channels"] * given["widen"], given, x)


def _grow(given: Mapping[str, Any], x: Shape) -> Shape:
    return _to(x[0] + given["channels"], {**given, "stride": 1}, x)


def _inverted(given: Mapping[str, Any], x: Shape) -> Shape:
    return _to(given["channels"], given, x)


def _optional(given: Mapping[str, Any], x: Shape) -> Shape:
    y = _to(given["channels"] if given["wide"] else max(x[0], 6), given, x)
    return (y[0] + (2 if given["extra"] > 1 else 0), *y[1:])


BLOCKS: dict[str, BlockKind] = {
    "residual_unit": BlockKind(
        {
            "about": "A residual whose shortcut is the network's.",
            "parameters": {**PARAMETERS, "widen": {"type": "int", "default": 1}},
            "body": [
                {
                    "residual": {
                        "branch": [
                            _conv("$channels", stride="$stride"),
                            {"norm": {}},
                            {"activation": {}},
                            _conv("$channels * $widen", 1),
                            {"norm": {}},
                        ],
                        "shortcut": "projection",
                    },
                    "name": "downsample",
                },
                {"activation": {}},
            ],
        },
        _residual,
        {"widen": [1, 2]},
        {"widen": 1},
    ),
    "plain_unit": BlockKind(
        {
            "parameters": PARAMETERS,
            "sequence": [_conv("$channels", stride="$stride"), {"norm": {}}, {"activation": {}}],
        },
        lambda given, x: _to(given["channels"], given, x),
    ),
    "dense_unit": BlockKind(
        {
            "parameters": PARAMETERS,
            "let": {"inner": "max($channels // 2, 2) * 2"},
            "body": [
                {
                    "concat": [
                        [],
                        [{"norm": {}}, {"activation": {}}, _conv("$inner", 1), _conv("$channels")],
                    ]
                }
            ],
        },
        _grow,
    ),
    "inverted_unit": BlockKind(
        {
            "parameters": {
                **PARAMETERS,
                "expand": {"type": "int", "default": 2},
                "ratio": {"type": "float", "default": 0.5},
            },
            "let": {"hidden": "$in_channels * $expand"},
            "body": [
                {
                    "residual": {
                        "branch": [
                            {**_conv("$hidden", 1), "when": "$expand != 1"},
                            {"norm": {}},
                            {"depthwise_conv": {"kernel": 3, "stride": "$stride"}},
                            {"activation": {"kind": "relu6"}},
                            {
                                "multiply": [
                                    [],
                                    [
                                        {"global_avg_pool": {"keepdims": True}},
                                        _conv("make_divisible($hidden * $ratio, 2)", 1, bias=True),
                                        {"activation": {}},
                                        _conv("$hidden", 1, bias=True),
                                        {"activation": {"kind": "hard_sigmoid"}},
                                    ],
                                ]
                            },
                            _conv("$channels", 1),
                        ],
                        "shortcut": "identity",
                        "when": "$stride == 1 and $in_channels == $channels",
                    }
                }
            ],
        },
        _inverted,
        {"expand": [1, 3], "ratio": [0.25]},
        {"expand": 2, "ratio": 0.5},
    ),
    "optional_unit": BlockKind(
        {
            "parameters": {
                **PARAMETERS,
                "wide": {"type": "bool", "default": True},
                "extra": {"type": "int", "default": 1},
                "act": {"type": "str", "default": "relu"},
            },
            "body": [
                {
                    "name": "first",
                    "group": [
                        _conv("$channels if $wide else max($in_channels, 6)", stride="$stride"),
                        {"activation": {"kind": "$act"}},
                    ],
                },
                {"pad_channels": {"before": 0, "after": 2}, "when": "$extra > 1"},
                {"norm": {"kind": "layer"}, "when": "not $wide"},
            ],
        },
        _optional,
        {"wide": [True, False], "extra": [1, 2], "act": ["relu", "tanh"]},
        {"wide": True, "extra": 1, "act": "relu"},
    ),
    "either_unit": BlockKind(
        {
            "parameters": {**PARAMETERS, "deep": {"type": "bool", "default": True}},
            "sequence": [
                _conv("$channels", stride="$stride"),
                {"norm": {}, "when": "$deep"},
                {"activation": {"kind": "tanh"}, "when": "$deep"},
                {"activation": {}, "when": "not $deep"},
                {**_conv("$channels", 1), "when": "$channels < $in_channels"},
                {**_conv("$channels"), "when": "$channels >= $in_channels"},
                {"norm": {}},
            ],
        },
        lambda given, x: _to(given["channels"], given, x),
        {"deep": [True, False]},
        {"deep": True},
    ),
}
