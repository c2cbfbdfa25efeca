"""Any word is good as a name: of a parameter, a value, a block, a step, in every backend.

The words are those of the language, of Python, of frameworks, and what emitted code calls things.
Networks of one structure take them in turn. Each is proved by its backends before they give the
source, and is the network that it is with plain names.
"""

from __future__ import annotations

import ast
import importlib.util
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.language.names import CALL_KEYS, KNOWN, KNOWN_OUTSIDE, OF_NETWORK
from rescompile.registry import backend_names, get_backend

from .bench import Bench
from .words import COMMONPLACE, ODD

SPEC = """
rescompile: 1
name: net
input: {channels: 3, height: 8, width: 8}
classes: 5
parameters: {G1: 4, G2: 6, G3: 0.25, G4: tanh}
blocks:
  B1:
    parameters:
      P1: {type: int}
      P2: {type: int, default: 1, once: true}
      P3: {type: bool, default: false}
      P4: {type: str, default: relu}
    let: {L1: $P1 * 2, L2: "max($L1, $P1 + $in_channels)"}
    body:
      - {conv: {channels: $L1, kernel: 3, stride: $P2}, name: S1}
      - {activation: {kind: $P4}}
      - {conv: {channels: $L2, kernel: 1}, name: S2}
      - residual:
          branch:
            - {conv: {channels: $L2, kernel: 3}, name: S3}
            - {norm: {}, when: $P3}
          shortcut: projection
        name: S4
      - name: S5
        group:
          - {conv: {channels: $P1, kernel: 1}, name: S6}
          - {block: B2, P5: $P1, P6: $L1}
      - {conv: {channels: 4, kernel: 1}}
      - concat: [[{from: S5}], []]
  B2:
    parameters: {P5: {type: int}, P6: {type: int}}
    let: {L3: $P5 + $P6}
    sequence:
      - conv: {channels: $L3, kernel: 1}
      - repeat: 2
        steps: [{conv: {channels: $L3 + $index, kernel: 1}}, {activation: {}}]
      - {block: B3, P7: $P5, P8: $L3}
  B3:
    parameters: {P7: {type: int}, P8: {type: int}}
    let: {L4: $P7 * 2}
    inline:
      - {conv: {channels: $L4, kernel: 1}, when: $P8 > 14}
      - conv: {channels: $P7, kernel: 1}
stages:
  - {conv: {channels: $G1, kernel: 3}, name: T1}
  - {block: B1, name: T2, repeat: 2, P1: $G2, P2: 2}
  - {block: B1, name: T3, P1: 4, P3: true, P4: $G4}
  - concat:
      T4: [{conv: {channels: $G2, kernel: 1}}, {norm: {}}]
      T5: [{conv: {channels: 2, kernel: 1}}, {activation: {kind: $G4}}]
  - {block: B2, P5: 4, P6: 5}
  - dropout: {rate: $G3}
head: [{global_avg_pool: {}}, {linear: {features: $classes}, name: T6}]
outputs: [T2, T6]
"""
SLOT = re.compile(r"\b([A-Z])(\d)\b")
# What a word cannot be called that has two meanings at one place, by the letter of the slots.
TAKEN = {
    "G": {*KNOWN, *KNOWN_OUTSIDE, *OF_NETWORK},
    "P": {*KNOWN, *CALL_KEYS},
    "L": {*KNOWN},
    "B": set[str](),
    "S": set[str](),
    "T": set[str](),
}
# Values of blocks, and their parameters, which are called otherwise.
OWN = {
    "L1": ("P1", "P2", "P3", "P4"),
    "L2": ("P1", "P2", "P3", "P4"),
    "L3": ("P5", "P6"),
    "L4": ("P7", "P8"),
}
COUNT = 250  # of networks, so that every word comes in every place
NETWORKS = [
    pytest.param(i, marks=() if i % 7 == 0 else pytest.mark.slow, id=str(i)) for i in range(COUNT)
]
frameworks = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "keras"))), reason="needs both frameworks"
)


def plain(folder: Path) -> Path:
    return write(folder, {slot: f"{slot.lower()}_" for slot in slots()})


def slots() -> list[str]:
    return sorted({found[0] for found in SLOT.finditer(SPEC)})


def write(folder: Path, names: dict[str, str]) -> Path:
    path = folder / "net.yaml"
    path.write_text(SLOT.sub(lambda found: f'"{names[found[0]]}"', _unsigilled(names)), "utf-8")
    return path


def _unsigilled(names: dict[str, str]) -> str:
    """The spec with the names in its expressions, where they stand without quotes."""
    return re.sub(r"\$([A-Z]\d)\b", lambda found: f"${names[found[1]]}", SPEC)


@cache
def words() -> list[str]:
    """All words: those of lists, and every name in the files that are emitted."""
    found = dict.fromkeys((*COMMONPLACE, *ODD))
    for node in (node for file in _emitted() for node in ast.walk(file)):
        named = (getattr(node, key, None) for key in ("id", "arg", "name", "attr"))
        found |= dict.fromkeys(name for name in named if isinstance(name, str))
    return [word for word in found if re.fullmatch(r"[A-Za-z]\w{0,50}", word)]


def _emitted() -> Iterator[ast.Module]:
    generated = Path(__file__).parents[2] / "generated"
    for name in ("resnet34", "unet", "densenet121", "shufflenet_v2_x1_0"):
        for path in sorted(generated.rglob(f"{name}.py")):
            yield ast.parse(path.read_text("utf-8"))


def drawn(number: int) -> dict[str, str]:
    """A name for each slot of a network: slots of a letter take all words in turn."""
    names = {}
    for letter, taken in TAKEN.items():
        fitting = [word for word in words() if word not in taken]
        random.Random(letter).shuffle(fitting)
        mine = [slot for slot in slots() if slot[0] == letter]
        for i, slot in enumerate(mine):
            names[slot] = fitting[(number * len(mine) + i) % len(fitting)]
    while any(names[one] in {names[other] for other in OWN[one]} for one in OWN):
        values = [names[one] for one in OWN]
        names |= dict(zip(OWN, values[1:] + values[:1], strict=True))
    return names


def test_every_word_comes_in_every_place() -> None:
    for letter, taken in TAKEN.items():
        found = {word for i in range(COUNT) for slot, word in drawn(i).items() if slot[0] == letter}
        assert found == set(words()) - taken
    assert {"conv", "class", "print", "train", "nn", "layers", "self"} <= set(words())
    assert len(words()) > 450


@pytest.mark.parametrize("number", NETWORKS)
def test_any_names_are_good_in_every_backend(tmp_path: Path, number: int) -> None:
    net = open_spec(write(tmp_path, drawn(number)))
    wanted = open_spec(plain(tmp_path)).report("network").total
    assert net.report("network").total == wanted
    for backend in backend_names():
        reasons = get_backend(backend).unsupported(net.parametric)
        if reasons and not get_backend(backend).by_default:  # modules have a name there
            assert all(": 'name' is an attribute of " in reason for reason in reasons)
            continue
        compile(net.source(backend), backend, "exec")


@frameworks
def test_they_compute_the_same(tmp_path: Path) -> None:
    with Bench() as bench:
        for number in (1, 42, 97):
            answer = bench.ask(write(tmp_path, drawn(number)))
            assert answer["verdict"] == "agreed", answer
