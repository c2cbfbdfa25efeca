"""One training: where it stands, what it measures, and the lines of JSON that it leaves."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rescompile.files import replacing

from .data import Array, Data
from .errors import StudyError
from .execution import ONE_DEVICE, Execution, numerics
from .loader import Batches
from .recipe import CIFAR, PAPER, Recipe, Scale, rate, warms_up

GENERATED = Path(__file__).parents[2] / "generated"
FRAMEWORKS = ("torch", "keras")
Record = dict[str, Any]
KEYS = {"framework", "network", "seed", "scale", "recipe", "data", "iteration"}  # among others
Predict = Callable[[Array], Array]  # from images N x H x W x C to logits, in evaluation mode


@dataclass
class Run:
    """A network in a framework from a seed, the rows of its results, and how far it is.

    `progress` is told of each iteration.
    """

    framework: str
    network: str
    seed: int
    scale: Scale
    data: Data
    folder: Path
    recipe: Recipe = PAPER
    execution: Execution = ONE_DEVICE
    progress: Callable[[int], None] = lambda iteration: None
    machine: Record = field(default_factory=dict)  # its kind, and the versions of what ran on it
    start: int = 0

    def __post_init__(self) -> None:
        self.batches = Batches(self.data, self.seed, self.scale.batch)
        self.records = read_records(self.path) if self.path.exists() else []

    @property
    def path(self) -> Path:
        return self.folder / f"{self.framework}-{self.network}-{self.seed}.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.path.with_suffix(".checkpoint")

    @property
    def identity(self) -> Record:
        """What results depend on, machine and versions apart."""
        return {
            "framework": self.framework,
            "network": self.network,
            "seed": self.seed,
            "scale": asdict(self.scale),
            "recipe": asdict(self.recipe),
            "data": {"form": self.data.form, "digest": self.data.digest},
            **self.execution.numerics(self.scale.batch),
        }

    @property
    def finished(self) -> bool:
        """Whether all results are there; then those of another study are refused."""
        if not self.records:
            return False
        self._same(self.records[0])
        return bool(self.records[-1]["iteration"] == self.scale.iterations)

    def resume(self, iteration: int, identity: Record) -> None:
        """Go on from a checkpoint; what was measured after it will be measured again."""
        self._same(identity)
        self.start = iteration
        self.records = [record for record in self.records if record["iteration"] <= iteration]
        if not self.records or self.records[-1]["iteration"] != iteration:
            raise StudyError(
                f"{self.checkpoint.as_posix()} is of iteration {iteration}, "
                f"which {self.path.name} has not; remove it to start afresh"
            )

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Around what reads the checkpoint: whatever a damaged file gives is a `StudyError`."""
        try:
            yield
        except StudyError:
            raise
        except Exception as error:
            what = f"{self.checkpoint.as_posix()} is no checkpoint of this network"
            raise StudyError(f"{what} ({error}); remove it to start afresh") from None

    def _same(self, identity: Record) -> None:
        wanted = json.loads(json.dumps(self.identity))
        found = {**identity, **numerics(identity)} if "scale" in identity else identity
        differ = [key for key, value in wanted.items() if found.get(key) != value]
        if differ:
            raise StudyError(
                f"{self.path.as_posix()} is of another study, with another {' and '.join(differ)}; "
                "choose another --out, or remove it"
            )

    def rate(self, iteration: int) -> float:
        """The rate of this iteration; a warm-up is over when an evaluation has found it to be."""
        errors = [record["training_error"] for record in self.records]
        cold = warms_up(self.network) and min(errors, default=1) >= self.recipe.warm_up_error
        return rate(self.recipe, self.scale, iteration, cold)

    def evaluate(self, iteration: int, predict: Predict) -> None:
        """Measure and write a line. Raises `StudyError` where there is nothing to measure."""
        training = self.batches.evaluation(self.data.training, self.scale.measured)
        loss, error = measured(predict, *training)
        if not np.isfinite(loss):
            raise StudyError(f"{self.path.stem}: the loss is {loss} at iteration {iteration}")
        test_error = measured(predict, *self.batches.evaluation(self.data.test))[1]
        found = {
            "iteration": iteration,
            "epoch": round(iteration / self.batches.per_epoch, 3),
            "rate": self.rate(iteration - 1),
            "training_loss": loss,
            "training_error": error,
            "test_error": test_error,
        }
        self.records.append({**self.identity, **found, **self.machine})
        lines = "".join(json.dumps(record) + "\n" for record in self.records)
        with replacing(self.path) as beside:
            beside.write_text(lines, "utf-8")


def measured(predict: Predict, images: Array, labels: Array) -> tuple[float, float]:
    """Mean cross-entropy and the part of wrong answers."""
    logits = predict(images).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    picked = logits[np.arange(len(labels)), labels]
    loss = np.log(np.exp(logits).sum(axis=1)) - picked
    return float(loss.mean()), float((logits.argmax(axis=1) != labels).mean())


def read_records(path: Path) -> list[Record]:
    """The lines of a file of results. Raises `StudyError`."""
    try:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except ValueError as error:
        raise StudyError(f"{path.as_posix()} is no file of results: {error}") from None
    if not records or not all(
        isinstance(found, dict) and found.keys() >= KEYS for found in records
    ):
        raise StudyError(f"{path.as_posix()} is no file of results")
    return records


def networks() -> list[str]:
    """The networks for CIFAR that both frameworks have, without the ending of their names."""
    found = ({p.stem for p in GENERATED.glob(f"{name}/*{CIFAR}.py")} for name in FRAMEWORKS)
    return sorted(name.removesuffix(CIFAR) for name in set.intersection(*found))


def emitted(framework: str, network: str) -> Callable[..., Any]:
    """What the emitted file calls the network; it is imported from where it lies, unchanged."""
    name = network + CIFAR
    path = GENERATED / framework / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"emitted_{framework}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Any] = getattr(module, name)
    return found
