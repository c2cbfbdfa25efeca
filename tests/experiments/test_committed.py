"""The committed results: whole, of the networks and seeds that are promised, and as they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.degradation.curves import Results
from experiments.degradation.recipe import FOUR, PAPER
from experiments.degradation.table import markdown

FOLDER = Path(__file__).parents[2] / "experiments/degradation/results/small"
SEEDS = {"torch": {0, 1, 2}, "keras": {0}}


@pytest.fixture(scope="module")
def results() -> Results:
    return Results(FOLDER)


def test_all_are_there_and_finished(results: Results) -> None:
    found = {(curve.framework, curve.network, curve.seed) for curve in results.curves}
    assert found == {(f, n, seed) for f, seeds in SEEDS.items() for n in FOUR for seed in seeds}
    assert not results.unfinished
    every = range(results.scale.every, results.scale.iterations + 1, results.scale.every)
    for curve in results.curves:
        assert [record["iteration"] for record in curve.records] == list(every)
        assert curve.last["recipe"] == vars(PAPER)


def test_depth_harms_the_plain_network_and_shortcuts_mend_it(results: Results) -> None:
    for framework, seeds in SEEDS.items():
        for seed in seeds:
            of = [c for c in results.curves if (c.framework, c.seed) == (framework, seed)]
            last = {curve.network: curve.last for curve in of}
            plain20, plain56, _, resnet56 = (last[network]["training_loss"] for network in FOUR)
            assert plain56 > plain20
            assert plain56 > resnet56


def test_the_table_is_current(results: Results) -> None:
    assert (FOLDER / "table.md").read_text("utf-8") == markdown(results)


def test_they_tell_no_place_and_no_host() -> None:
    for path in FOLDER.glob("*.jsonl"):
        assert "/" not in path.read_text("utf-8")
