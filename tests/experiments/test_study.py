"""The schedule, the lines of results, the table, the figures, and what the commands say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from experiments.degradation import data
from experiments.degradation.__main__ import main
from experiments.degradation.curves import Results
from experiments.degradation.errors import StudyError
from experiments.degradation.recipe import FOUR, PAPER, SCALES, rate, warms_up
from experiments.degradation.run import Run, measured, networks, read_records
from experiments.degradation.table import markdown

FULL, TRIAL = SCALES["full"], SCALES["trial"]


def test_the_full_scale_is_the_papers() -> None:
    assert (FULL.pixels, FULL.training, FULL.test, FULL.batch) == (32, 50_000, 10_000, 128)
    assert FULL.drops == (32_000, 48_000)
    assert (PAPER.rate, PAPER.momentum, PAPER.weight_decay) == (0.1, 0.9, 1e-4)
    wanted = {0: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001, 63_999: 0.001}
    assert {i: rate(PAPER, FULL, i, cold=False) for i in wanted} == pytest.approx(wanted)


@pytest.mark.parametrize("scale", SCALES.values(), ids=str)
def test_rates_change_where_an_evaluation_is(scale: Any) -> None:
    """Keras sets its rate at the start of an epoch of `fit`, which an evaluation ends."""
    assert not any(drop % scale.every for drop in (*scale.drops, scale.iterations))
    assert scale.training >= scale.measured


def test_deep_networks_are_warmed_up(folder: Path, tmp_path: Path) -> None:
    warmed = {name for name in networks() if warms_up(name)}
    assert warmed == {"resnet110", "resnet1202", "preact_resnet110", "preact_resnet1001"}
    found = data.read(folder, TRIAL)
    run = Run("torch", "resnet110", 0, TRIAL, found, tmp_path)
    labels = found.training.labels[: TRIAL.measured]

    def predict(right: int) -> Any:
        """So many right answers for the training images, and none for the others."""

        def logits(images: Any) -> Any:
            return np.eye(10)[np.where(np.arange(len(images)) < right, labels, (labels + 1) % 10)]

        return logits

    assert run.rate(0) == 0.01
    run.evaluate(2, predict(20))  # an error of 80 % is not below it
    assert run.rate(2) == 0.01
    run.evaluate(4, predict(21))
    assert [record["rate"] for record in run.records] == [0.01, 0.01]
    assert run.rate(4) == pytest.approx(0.01)  # the warm-up is over, and the first drop is here
    assert run.rate(3) == 0.1
    run.evaluate(6, predict(0))
    assert run.rate(3) == 0.1  # once over, it is over


def test_loss_and_error_by_hand() -> None:
    logits = np.float32([[2, 0], [0, 1000], [0, 1]])
    loss, error = measured(lambda images: logits, np.zeros(3), np.array([0, 1, 0]))
    assert loss == pytest.approx((np.log(1 + np.exp(-2)) + 0 + np.log(1 + np.exp(1))) / 3)
    assert error == pytest.approx(1 / 3)


def test_a_loss_that_is_no_number_ends_a_run(folder: Path, tmp_path: Path) -> None:
    run = Run("torch", "plain20", 0, TRIAL, data.read(folder, TRIAL), tmp_path)
    with pytest.raises(StudyError, match="torch-plain20-0: the loss is nan at iteration 2"):
        run.evaluate(2, lambda images: np.full((len(images), 10), np.nan))
    assert not run.path.exists()


def lines(out: Path, framework: str, network: str, seed: int, **changes: Any) -> Path:
    """A file of results as a run leaves it, of made-up figures that tell what they are of."""
    of = {"framework": framework, "network": network, "seed": seed, "scale": vars(TRIAL)}
    of |= {"recipe": vars(PAPER), "data": {"form": "noise", "digest": "0"}, **changes}
    level = {"plain20": 1.5, "plain56": 2.0, "resnet20": 1.2, "resnet56": 1.6}[network] + seed / 100
    made = [
        {**of, "iteration": i, "training_loss": level + 8 / i - 1, "training_error": level / 3}
        | {"test_error": level / 3 + 0.01}
        for i in (2, 4, 6, 8)
    ]
    path = out / "trial" / f"{framework}-{network}-{seed}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in made), "utf-8")
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for network in FOUR:
        for seed in range(3):
            lines(tmp_path, "torch", network, seed)
        lines(tmp_path, "keras", network, 0)
    return tmp_path


def command(*words: object) -> Result:
    found = CliRunner().invoke(main, list(map(str, words)))
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exc_info
    return found


def test_the_table(study: Path) -> None:
    said = command("table", "--scale", "trial", "--out", study).output
    assert (study / "trial/table.md").read_text("utf-8") in said
    assert "8 iterations of 32. noise. Seeds: 3 in PyTorch, 1 in Keras." in said
    assert "not to be compared" in said
    assert "| resnet56 | 56 | 853,018 | PyTorch | 3 | 54.7 ± 0.3 | 6.97 | 53.7 ± 0.3 |" in said
    assert "| plain20 | 20 | 269,722 | Keras | 1 | 51.0 | - | 50.0 | 1.500 |" in said
    assert said.count("| yes | yes |") == 4


def test_the_table_tells_what_does_not_hold(study: Path) -> None:
    path = lines(study, "torch", "plain56", 1)
    records = read_records(path)
    records[-1]["training_loss"] = 1.55
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    text = markdown(Results(study / "trial"))
    assert text.count("| yes | yes |") == 3
    assert text.count("| yes | no |") == 1
    path.write_text(json.dumps(records[0]) + "\n", "utf-8")  # interrupted: nothing is said of it
    text = markdown(Results(study / "trial"))
    assert "Not finished: torch-plain56-1." in text
    assert text.count("| yes | yes |") == 3
    assert "| yes | no |" not in text


def test_the_figures(study: Path) -> None:
    pytest.importorskip("matplotlib")
    words = ("plot", "--scale", "trial", "--out", study, "--format", "svg")
    assert "fig6.svg" in command(*words).output
    first = [(study / f"trial/fig{i}.svg").read_bytes() for i in (1, 6)]
    command(*words)
    assert [(study / f"trial/fig{i}.svg").read_bytes() for i in (1, 6)] == first
    (study / "resnets" / "trial").mkdir(parents=True)
    lines(study / "resnets", "keras", "resnet20", 0)
    assert "fig1" not in command(*words[:4], study / "resnets").output


def test_results_of_two_studies_are_not_mixed(study: Path) -> None:
    lines(study, "torch", "plain20", 0, data={"form": "noise", "digest": "1"})
    said = command("table", "--scale", "trial", "--out", study)
    assert said.exit_code == 1
    assert "differ in their data" in said.output


def test_a_run_refuses_what_another_left(folder: Path, tmp_path: Path) -> None:
    found = data.read(folder, TRIAL)
    run = Run("torch", "plain20", 0, TRIAL, found, tmp_path)
    identity = json.loads(json.dumps(run.identity))
    run.records = [{"iteration": 2}, {"iteration": 4}]
    run.resume(2, identity)
    assert (run.start, run.records) == (2, [{"iteration": 2}])
    with pytest.raises(StudyError, match="iteration 6, which"):
        run.resume(6, identity)
    other = Run("torch", "plain20", 0, replace(TRIAL, iterations=16), found, tmp_path)
    with pytest.raises(StudyError, match="another study, with another scale"):
        other.resume(2, identity)


@pytest.mark.parametrize("text", ["", "{", "[]\n", '{"iteration": 8}\n', "\x00"])
def test_what_is_no_file_of_results(text: str, study: Path) -> None:
    (study / "trial/torch-plain20-0.jsonl").write_text(text, "utf-8")
    for name in ("table", "plot"):
        said = command(name, "--scale", "trial", "--out", study)
        assert said.exit_code == 1
        assert "torch-plain20-0.jsonl is no file of results" in said.output


def test_a_damaged_checkpoint_is_told(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial/torch-plain20-0.checkpoint").write_bytes(b"PK\x03\x04")
    words = ("run", "--scale", "trial", "--data", folder, "--out", tmp_path)
    said = command(*words, "--networks", "plain20_cifar", "--frameworks", "torch")
    assert said.exit_code == 1
    assert "is no checkpoint of this network" in said.output
    assert "remove it to start afresh" in said.output


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["run", "--networks", "plain21"], "'plain21' is none of plain20, plain32", 2),
        (["run", "--frameworks", "jax"], "'jax' is none of torch, keras", 2),
        (["run", "--seeds", "0,-1"], "'0,-1' is no list of seeds such as 0,1,2", 2),
        (["run", "--scale", "large"], "'large' is not one of", 2),
        (["run", "--data", "nowhere"], "there is no nowhere, where CIFAR-10 is looked for", 1),
        (["table", "--out", "nowhere"], "there are no results in nowhere/full", 1),
        (["plot", "--out", "nowhere"], "there are no results in nowhere/full", 1),
    ],
)
def test_wrong_usage(words: list[str], said: str, code: int) -> None:
    found = command(*words)
    assert said in found.output
    assert found.exit_code == code
