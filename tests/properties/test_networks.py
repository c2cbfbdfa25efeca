"""Random networks: every backend agrees with the reference, and counts agree with the frameworks.

Each network has a seed, so the default tests draw the same ones every time; `make fuzz` draws more,
from the seed SEED on. What once failed is kept as a small spec in tests/regressions, and goes
through the same checks.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from .bench import ROOT, Bench
from .coverage import Coverage
from .declarations import ALL, LANGUAGE, OPERATIONS, Attribute, forms_of
from .networks import Files, network
from .operations import GLOBAL, PLACED, PLACES
from .reduce import small
from .repair import draw, shown
from .values import THEMES
from .words import COMMONPLACE

REGRESSIONS = sorted((ROOT / "tests/regressions").glob("*.yaml"))
FUZZING = "RESCOMPILE_FUZZ" in os.environ
DEFAULT = 10 * (len(THEMES) // 10 + 1)  # each theme has a network, and each operation brings some
COUNT = int(os.environ.get("RESCOMPILE_FUZZ", str(DEFAULT)))
FIRST = int(os.environ.get("SEED", "0"))
SAMPLE = 5  # by default one of so many themes is run, for a minute; with `-m slow` the others are
SEEDS = [
    pytest.param(seed, marks=() if FUZZING or seed % SAMPLE == 0 else pytest.mark.slow)
    for seed in range(FIRST, FIRST + COUNT)
]
DRAWN = range(DEFAULT + DEFAULT // 4)  # what the tests of the drawing itself look at
WRITTEN = range(8 * len(PLACED))  # and of what needs no compiler: places are drawn by their turn
# What is drawn seldom: a vector where others want a map, or the other way, and what no sequence
# takes.
VECTORS = ("linear", "flatten", "unflatten", *GLOBAL)
SELDOM = {(word, place) for word in VECTORS for place in PLACES if place != "network"}
SELDOM |= {
    ("layer_scale", place) for place in PLACES if place not in ("body", "branch", "residual")
}
OTHER_KEYS = (
    *("add named", "add listed", "multiply named", "concat listed", "concat named"),
    *("no steps in a branch", "steps of a shortcut", "inline block", "sequence block"),
    *("body block", "extends", "use", "outputs", "about", "parameters", "let"),
)
frameworks = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "keras"))), reason="needs both frameworks"
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


@cache
def drawn(seed: int) -> tuple[Files, int | None]:
    return draw(seed)


@frameworks
@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_is_the_same_everywhere(bench: Bench, seed: int) -> None:
    files, _ = drawn(seed)
    answer = bench.ask_files(files)
    if answer["verdict"] != "failed":
        return  # what the compiler refuses, with a diagnostic, is no network
    if FUZZING:
        files = small(bench, files, answer["what"])
    again = f"python -m tests.properties {seed} --reduce"
    pytest.fail(f"{answer['what']}\n{answer['detail']}\n{shown(files)}\n{again}", pytrace=False)


@frameworks
@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds(bench: Bench, path: Path) -> None:
    answer = bench.ask(path)
    assert answer["verdict"] == "agreed", answer


# The drawing itself: that most networks are good ones, and nothing of the language is left out.


@pytest.fixture(scope="module")
def covered() -> Coverage:
    """What stands in the networks as the compiler takes them."""
    made = Coverage()
    for seed in DRAWN:
        made.add(drawn(seed)[0])
    return made


@pytest.fixture(scope="module")
def written() -> Coverage:
    """What stands in the networks before any repair."""
    made = Coverage()
    for seed in WRITTEN:
        made.add(network(seed))
    return made


def test_a_seed_is_a_network() -> None:
    assert network(17) == network(17) != network(18)


@pytest.mark.slow
def test_most_networks_are_taken() -> None:
    """Refused are those of which no repair made a good one."""
    refused = [seed for seed in DRAWN if drawn(seed)[1] is None]
    assert len(refused) < 0.1 * len(DRAWN), refused


def lacking(coverage: Coverage, one: Attribute) -> list[str]:
    """The forms of an attribute that do not occur."""
    forms = forms_of(one)
    return [form for form in forms if (one.owner, one.key, form) not in coverage.forms]


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.owner}.{one.key}")
def test_every_attribute_is_drawn_in_every_form(written: Coverage, one: Attribute) -> None:
    assert not lacking(written, one)


@pytest.mark.slow
def test_repair_leaves_attributes_in_their_forms(covered: Coverage) -> None:
    """All but a few: a form that the compiler never takes would be missing altogether."""
    missing = [(one.owner, one.key, form) for one in ALL for form in lacking(covered, one)]
    assert len(missing) < 0.02 * sum(len(forms_of(one)) for one in ALL), missing


@pytest.mark.parametrize("word", OPERATIONS)
def test_every_operation_is_drawn_everywhere(written: Coverage, word: str) -> None:
    """Refused in some places, but drawn: the compiler says what goes where."""
    missing = [
        place
        for place in PLACES
        if f"{word} in {place}" not in written.keys and (word, place) not in SELDOM
    ]
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("key", [*LANGUAGE, *OTHER_KEYS])
def test_every_key_of_a_step_is_drawn(covered: Coverage, key: str) -> None:
    assert key in covered.keys


def test_names_are_many() -> None:
    assert len(set(COMMONPLACE)) == len(COMMONPLACE) >= 150
