"""What is proved of values for targets that keep channels last, and how tensors lie there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.emit.channels_last import Proofs
from rescompile.ops import Flatten, Pool

Write = Callable[..., Path]


@pytest.fixture
def net(write: Write) -> Callable[[str], Architecture]:
    return lambda text: open_spec(write(text))


def negative_pools(net: Architecture) -> list[str]:
    """The paths of the pools that may see a negative value."""
    found = Proofs(net.analysis.elaborated).negative
    traces = [t for _, t in net.analysis.elaborated.flat() if isinstance(t.op, Pool)]
    return [t.name for t in traces if t.node.id in found]


def test_signs_follow_values_through_joins_and_loops(net: Callable[[str], Architecture]) -> None:
    made = net("""
stem:
  - activation: {kind: sigmoid}
  - {name: safe, max_pool: {kernel: 3, stride: 1, padding: 1}}
  - concat: [[], [{activation: {kind: tanh}, name: t}]]
  - {name: kept, max_pool: {kernel: 3, stride: 1, padding: 1}}
  - add: [[], [{conv: {channels: 6, kernel: 1}, name: c}]]
  - {name: mixed, max_pool: {kernel: 3, stride: 1, padding: 1}}
  - activation: {}
  - name: g
    group:
      - repeat: 2
        steps: [{max_pool: {kernel: 3, stride: 2, padding: 1}}, {conv: {channels: 6, kernel: 1}}]
""")
    assert negative_pools(made) == ["mixed", "0", "2"]


@pytest.mark.parametrize(
    ("head", "ordered", "permuted"),
    [
        ("[{flatten: {}}, {activation: {}}, {linear: {features: 5}, name: l}]", 0, 1),
        ("[{flatten: {}}, {norm: {}}, {linear: {features: 5}, name: l}]", 1, 0),
        ("[{flatten: {}}]", 1, 0),
        ("[{flatten: {}, name: f}, {linear: {features: 5}, name: l}]\noutputs: [f, l]", 1, 0),
        (
            "[{flatten: {}}, {name: g, group: [{activation: {}}, {linear: {features: 5}}]}]",
            0,
            1,
        ),
        ("[{global_avg_pool: {keepdims: true}}, {flatten: {}}, {linear: {features: 5}}]", 0, 0),
    ],
)
def test_who_sees_the_order_of_a_flatten(
    net: Callable[[str], Architecture], head: str, ordered: int, permuted: int
) -> None:
    made = net(f"stem: [{{conv: {{channels: 4, kernel: 3}}}}]\nhead: {head}\n")
    found = Proofs(made.analysis.elaborated)
    assert (len(found.ordered), len(found.kernels)) == (ordered, permuted)
    flattens = sum(isinstance(t.op, Flatten) for _, t in made.analysis.elaborated.flat())
    assert flattens == 1
