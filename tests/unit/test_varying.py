"""What the code of a network leaves open, and that it is proved for other values."""

from __future__ import annotations

import re
from typing import Any

import pytest

import rescompile
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import backend_names, get_backend

BLOCKS: dict[str, Any] = {
    "unit": {
        "parameters": {"channels": {}, "groups": {"default": 1}},
        "body": [
            {"conv": {"channels": "$channels", "kernel": 3, "groups": "$groups"}},
            {"activation": {}},
        ],
    },
    "same": {
        "parameters": {"channels": {}},
        "body": [
            {
                "residual": {
                    "branch": [{"conv": {"channels": "$channels", "kernel": 3}}],
                    "when": "$in_channels == $channels",
                    "shortcut": "identity",
                }
            }
        ],
    },
    "basic": {
        "parameters": {"channels": {}},
        "body": [
            {
                "residual": {
                    "branch": [{"conv": {"channels": "$channels", "kernel": 3}}],
                    "shortcut": "projection",
                }
            }
        ],
    },
}
HEAD = [{"global_avg_pool": {}}, {"linear": {"features": "$classes"}}]
ALL = ("classes", "in_channels")


def net(*stages: dict[str, Any], head: Any = HEAD, **more: Any) -> rescompile.Architecture:
    named = [{"name": f"s{i}", **stage} for i, stage in enumerate(stages)]
    spec = {"rescompile": 1, "name": "net", "classes": 10, "blocks": BLOCKS, **more}
    spec |= {"input": {"channels": 4, "height": 8, "width": 8}, "stages": named, "head": head}
    return rescompile.load(spec)


def conv(channels: Any = 8, **more: Any) -> dict[str, Any]:
    return {"conv": {"channels": channels, "kernel": 3, **more}}


def call(block: str, **more: Any) -> dict[str, Any]:
    return {"block": block, **more}


W = {"w": 8}
OPEN: dict[str, tuple[rescompile.Architecture, tuple[str, ...]]] = {
    "a convolution takes any image": (net(conv()), ALL),
    "a width": (net(conv("$w"), parameters=W), (*ALL, "w")),
    "a width in a block": (net(call("unit", channels="$w"), parameters=W), (*ALL, "w")),
    "a rate": (net(conv(), {"dropout": {"rate": "$w"}}, parameters={"w": 0.5}), (*ALL, "w")),
    "what two branches have alike": (
        net(conv("$w"), {"add": [[conv("$w")], []]}, parameters=W),
        (*ALL, "w"),
    ),
    "a projection that is taken in some calls": (
        net(
            conv("$w"),
            call("basic", channels="$w"),
            call("basic", channels="$w * 2"),
            parameters=W,
        ),
        (*ALL, "w"),
    ),
}
CLOSED: dict[str, tuple[rescompile.Architecture, tuple[str, ...]]] = {
    "an image that is added": (
        net({"residual": {"branch": [conv(4)], "shortcut": "identity"}}),
        ("classes",),
    ),
    "an image in groups": (net(conv(groups=2)), ("classes",)),
    "an image in shares": (net({"concat": [[conv()], []], "split": True}), ("classes",)),
    "channels of the image that are left out": (
        net({"slice_channels": {"start": 0, "stop": 2}}, conv()),
        ("classes",),
    ),
    "a condition on the classes": (
        net(conv(), {**conv(), "when": "$classes > 5"}),
        ("in_channels",),
    ),
    "a condition in a block that all calls decide alike": (
        net(conv("$w"), call("same", channels=8), parameters=W),
        ALL,
    ),
    "how often": (net(conv(), call("unit", channels=8, repeat="$w"), parameters={"w": 2}), ALL),
    "a window": (net(conv(kernel="$w"), parameters={"w": 3}), ALL),
    "branches that are alike by chance": (
        net(conv("$w"), {"add": [[conv(8)], []]}, parameters=W),
        ALL,
    ),
    "a projection that other calls would take": (
        net(conv(), call("basic", channels="$w"), call("basic", channels=16), parameters=W),
        ALL,
    ),
    "a projection that all calls take": (
        net(conv("$w"), call("basic", channels=16), parameters=W),
        ALL,
    ),
}


@pytest.mark.parametrize("case", [*OPEN, *CLOSED])
def test_what_is_left_open(case: str) -> None:
    made, names = (OPEN | CLOSED)[case]
    assert made.parametric.network.own == names
    for backend in backend_names():
        made.source(backend)  # proved, for other values as well


@pytest.mark.parametrize("backend", backend_names())
def test_other_values_are_proved(backend: str) -> None:
    made = net(conv("$w"), call("unit", channels=8), parameters={"w": 12})
    target, source = get_backend(backend), made.source(backend)
    other = made.varying.other
    assert other is not None
    assert (other.network.env["w"], other.network.env["in_channels"]) == (24, 6)
    given = {name: other.network.env[name] for name in made.parametric.network.own}
    validate(target, other, source, given)
    broken = re.sub(r"(in_channels|inputs|images), w\b", r"\1, 12", source)
    assert broken != source
    validate(target, made.lowered, broken)
    with pytest.raises(InternalError):
        validate(target, other, broken, given)


def test_what_is_fixed_is_said() -> None:
    made = net(
        conv("$w", groups=2), call("unit", channels=8, repeat="$n"), parameters={"w": 8, "n": 2}
    )
    for backend in backend_names():
        text = " ".join(made.source(backend).split())
        assert "Fixed, since the structure depends on it: in_channels = 4, n = 2." in text


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("resnet34", ALL),
        ("resnet20_cifar", ALL),
        ("mobilenet_v2", (*ALL, "width")),
        ("mnasnet1_0", (*ALL, "width")),
        ("wrn_28_10", (*ALL, "k")),
        ("efficientnet_b0", (*ALL, "width", "dropout")),
        ("repvgg_a0", (*ALL, "a", "b")),
    ],
)
def test_shipped_networks(name: str, own: tuple[str, ...]) -> None:
    assert rescompile.load(name).parametric.network.own == own
