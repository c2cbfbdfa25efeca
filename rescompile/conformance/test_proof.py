"""The proof catches faults: the file of one network is refused for another that is nearly the same.

What a careless emitter does, said in the language itself: two networks that have the same names, of
which the second is what the first must not become. It is emitted, so the fault is as a backend
would have it, and the first is asked whether that is its file.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..api import Architecture, open_spec
from ..emit.validation import validate
from ..errors import InternalError
from ..registry import get_backend

HEAD: dict[str, Any] = {
    "rescompile": 1,
    "name": "mine",
    "input": {"channels": 4, "height": 12, "width": 12},
}


def conv(name: str, channels: int = 4, kernel: int = 3, **more: Any) -> dict[str, Any]:
    return {"conv": {"channels": channels, "kernel": kernel, **more}, "name": name}


NORM: dict[str, Any] = {"norm": {}, "name": "norm"}
RELU: dict[str, Any] = {"activation": {}, "name": "relu"}
GELU: dict[str, Any] = {"activation": {"kind": "gelu"}, "name": "gelu"}
SIDES = {"left": [conv("a")], "right": [conv("b", kernel=1)]}
SWAPPED = dict(reversed(SIDES.items()))
NETWORKS: dict[str, tuple[Any, Any]] = {
    "branches in another order": ([{"concat": SIDES}], [{"concat": SWAPPED}]),
    "a product for a sum": (
        [{"add": SIDES, "name": "join"}],
        [{"multiply": SIDES, "name": "join"}],
    ),
    "another value": (
        [conv("a"), conv("b"), conv("c"), {"add": [[{"from": "a"}], []], "name": "join"}],
        [conv("a"), conv("b"), conv("c"), {"add": [[{"from": "b"}], []], "name": "join"}],
    ),
    "layers in another order": ([conv("a"), NORM, GELU], [conv("a"), GELU, NORM]),
    "an activation that is missing": ([conv("a"), RELU, conv("b")], [conv("a"), conv("b")]),
    "an activation before the sum": (
        [{"residual": {"branch": [conv("a")], "shortcut": "identity"}, "name": "sum"}, RELU],
        [{"residual": {"branch": [conv("a"), RELU], "shortcut": "identity"}, "name": "sum"}],
    ),
    "no shortcut": (
        [{"residual": {"branch": [conv("a")], "shortcut": "identity"}, "name": "sum"}],
        [{"residual": {"branch": [conv("a")], "shortcut": "none"}, "name": "sum"}],
    ),
    "a shortcut from elsewhere": (
        [conv("a"), {"add": [[GELU, conv("b")], []], "name": "join"}],
        [conv("a"), GELU, {"add": [[conv("b")], []], "name": "join"}],
    ),
    "the stride of another layer": (
        [conv("a", stride=2), conv("b")],
        [conv("a"), conv("b", stride=2)],
    ),
    "a bias": ([conv("a")], [conv("a", bias=True)]),
    "weights of its own": (
        [conv("a"), {"reuse": "a", "name": "b"}],
        [conv("a"), conv("b")],
    ),
    "weights that are shared": (
        [conv("a"), conv("b")],
        [conv("a"), {"reuse": "a", "name": "b"}],
    ),
    "weights of another": (
        [conv("a"), conv("b"), {"reuse": "a", "name": "c"}],
        [conv("a"), conv("b"), {"reuse": "b", "name": "c"}],
    ),
    "once too often": (
        [conv("a"), {"reuse": "a", "name": "b", "repeat": 2}],
        [conv("a"), {"reuse": "a", "name": "b", "repeat": 3}],
    ),
    "shares in another order": (
        [{"concat": [[conv("a", 2)], []], "split": True}],
        [{"concat": [[], [conv("a", 2)]], "split": True}],
    ),
}
FAN_IN = {"conv": {"kind": "kaiming_normal", "mode": "fan_in"}}
SHIPPED: list[tuple[str, str, dict[str, Any]]] = [  # most with weights of the same names and shapes
    ("resnet50", "resnet50_v1_5", {}),
    ("resnet34_a", "plain34", {}),
    ("resnet20_cifar", "resnet20_cifar", {"n": 2}),
    ("resnet20_cifar", "resnet20_cifar", {"defaults.norm.epsilon": 1e-3}),
    (
        "resnet20_cifar",
        "resnet20_cifar",
        {"defaults.init": FAN_IN},
    ),
]


def refused(backend: str, right: Architecture, wrong: Architecture) -> None:
    target = get_backend(backend)
    own = right.source(backend)
    validate(target, right.lowered, own)
    source = wrong.source(backend)
    assert source != own
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(target, right.lowered, source)


@pytest.mark.needs("trace")
@pytest.mark.parametrize("fault", NETWORKS)
def test_a_fault_is_refused(backend: str, fault: str) -> None:
    right, wrong = (open_spec({**HEAD, "stages": steps}) for steps in NETWORKS[fault])
    refused(backend, right, wrong)


@pytest.mark.needs("trace")
def test_the_order_of_updates_counts(backend: str) -> None:
    """Two values go through one norm, whose running statistics depend on which one is first."""

    def net(first: str, second: str) -> Architecture:
        values = [conv("a"), {"from": "a"}, conv("b")]
        norms = [{"from": first}, NORM, {"from": second}, {"reuse": "norm", "name": "again"}]
        outputs = {first: "norm", second: "again"}
        steps = {"stages": [*values, *norms], "outputs": [outputs["a"], outputs["b"]]}
        return open_spec({**HEAD, **steps})

    refused(backend, net("a", "b"), net("b", "a"))


@pytest.mark.needs("trace")
@pytest.mark.parametrize(("spec", "other", "changes"), SHIPPED)
def test_another_network_is_refused(
    backend: str, spec: str, other: str, changes: dict[str, Any]
) -> None:
    refused(backend, open_spec(spec), open_spec(other, name=spec, set=changes))


@pytest.mark.needs("trace", suffix=".py")
@pytest.mark.parametrize("end", ["\nthis is no Python\n", "\n1 / 0\n"])
def test_what_does_not_run_is_refused(backend: str, end: str) -> None:
    target, net = get_backend(backend), open_spec({**HEAD, "stages": [conv("a")]})
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(target, net.lowered, net.source(backend) + end)
