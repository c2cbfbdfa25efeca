"""Weights that fit a network they are not for: such pairs of shipped networks are warned of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.convert import whose
from rescompile.emit.weights import state_slots
from rescompile.language.load import zoo

# Each shipped network that lists weights, with each other one that has its names and shapes.
TWINS = {
    **{f"resnet{depth}_v1_5": f"resnet{depth}" for depth in (50, 101, 152)},
    **{f"resnet{depth}_cifar": f"plain{depth}_cifar" for depth in (20, 32, 44, 56)},
}
Make = Callable[[str], Path]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a file that has a hash, as far as anybody asks."""

    def make(sha256: str) -> Path:
        monkeypatch.setattr(whose, "sha256", lambda file: sha256.ljust(64, "0"))
        return tmp_path / "weights.pth"

    return make


@pytest.mark.slow
def test_these_are_all() -> None:
    alike: dict[frozenset[object], list[Architecture]] = {}
    for name in zoo():
        net = open_spec(name)
        slots = frozenset((slot.name, slot.shape) for slot in state_slots(net.analysis))
        alike.setdefault(slots, []).append(net)
    pairs = (pair for nets in alike.values() for pair in permutations(nets, 2))
    assert dict(TWINS) == {a.name: b.name for a, b in pairs if a.weights}


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_is_warned_of_with_the_network_that_is_meant(name: str, published: Make) -> None:
    owner, other = open_spec(name), open_spec(TWINS[name])
    for entry in owner.weights:
        file = published(entry.sha256)
        assert list(whose.owners(file)) == [(name, entry.name)]
        assert name in whose.doubt(file, other, ())
        assert not whose.doubt(file, owner, ())
        assert not whose.doubt(file, open_spec(name, classes=4), ["classes=4"])


def test_what_is_said(published: Make) -> None:
    file = published(open_spec("resnet20_cifar").weights[0].sha256)
    said = whose.doubt(file, open_spec("plain20_cifar"), ())
    assert said == (
        "these weights are resnet20_cifar:CIFAR10, and plain20_cifar computes otherwise: "
        "see `rescompile diff resnet20_cifar plain20_cifar`"
    )


def test_a_network_of_ones_own_is_compared_as_well(published: Make, tmp_path: Path) -> None:
    """Where all of the names and shapes are the file's: here an epsilon is not."""
    file = published(open_spec("resnet20_cifar").weights[0].sha256)
    mine = tmp_path / "mine.yaml"
    text = "rescompile: 1\nextends: resnet20_cifar\nname: mine\n"
    mine.write_text(f"{text}defaults: {{norm: {{epsilon: 0.001}}}}\n", encoding="utf-8")
    said = whose.doubt(file, open_spec(str(mine)), ())
    assert f"see `rescompile diff resnet20_cifar {mine.as_posix()}`" in said
    mine.write_text(text, encoding="utf-8")
    assert not whose.doubt(file, open_spec(str(mine)), ())


def test_a_network_with_other_tensors_is_meant_to_be_another(published: Make) -> None:
    file = published(open_spec("resnet20_cifar").weights[0].sha256)
    assert not whose.doubt(file, open_spec("plain20_cifar", classes=4), ())
    assert whose.doubt(file, open_spec("plain20_cifar", classes=4), ["classes=4"])
    file = published(open_spec("googlenet").weights[0].sha256)
    assert not whose.doubt(file, open_spec("googlenet_aux"), ())


def test_a_file_that_nobody_lists_is_nobodys(published: Make) -> None:
    assert not list(whose.owners(published("0")))
    assert not whose.doubt(published("0"), open_spec("plain20_cifar"), ())
