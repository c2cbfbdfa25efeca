"""The lines of a study, read again: for its figures and its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import StudyError
from .execution import numerics
from .recipe import Scale
from .run import Record, read_records

NAMES = {"torch": "PyTorch", "keras": "Keras"}


@dataclass(frozen=True)
class Curve:
    """The evaluations of one training."""

    framework: str
    network: str
    seed: int
    records: Sequence[Record]

    @property
    def family(self) -> str:
        return self.network.rstrip("0123456789")

    @property
    def layers(self) -> int:
        return int(self.network.removeprefix(self.family))

    @property
    def last(self) -> Record:
        return self.records[-1]


class Results:
    """All trainings of a folder, which are of one study."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.jsonl"))
        read = [read_records(path) for path in paths]
        curves = [Curve(r[0]["framework"], r[0]["network"], r[0]["seed"], r) for r in read]
        if not curves:
            what = f"there are no results in {folder.as_posix()}"
            raise StudyError(f"{what}: `run` writes them, to the same --scale and --out")
        self.curves = sorted(curves, key=lambda c: (c.family, c.layers, c.framework, c.seed))
        for key in ("scale", "recipe", "data"):
            if any(curve.last[key] != curves[0].last[key] for curve in curves):
                raise StudyError(f"the results in {folder.as_posix()} differ in their {key}")
        self.scale = Scale(**curves[0].last["scale"])
        self.numerics = numerics(curves[0].last)
        for key, value in self.numerics.items():
            if any(numerics(curve.last)[key] != value for curve in curves):
                raise StudyError(f"the results in {folder.as_posix()} differ in their {key}")

    def groups(self) -> Iterator[tuple[str, str, list[Curve]]]:
        """The trainings of each network in each framework, a seed each."""
        for network in dict.fromkeys(curve.network for curve in self.curves):
            for framework in NAMES:
                found = self.of(framework, network)
                if found:
                    yield framework, network, found

    def of(self, framework: str, network: str) -> list[Curve]:
        wanted = (framework, network)
        return [c for c in self.curves if (c.framework, c.network) == wanted]

    @property
    def about(self) -> str:
        """What every figure and table says of its scale and data."""
        counts = {name: len({c.seed for c in self.curves if c.framework == name}) for name in NAMES}
        seeds = ", ".join(f"{n} in {NAMES[name]}" for name, n in counts.items() if n)
        words = [f"Scale {self.scale}", self.curves[0].last["data"]["form"]]
        if (precision := self.numerics["precision"]) != "float32":
            words.append(f"Mixed precision, {precision}")
        if (images := self.numerics["norm_images"]) != self.scale.batch:
            words.append(f"Statistics of norms over {images} images")
        return f"{'. '.join(words)}. Seeds: {seeds}."

    def is_finished(self, curve: Curve) -> bool:
        return bool(curve.last["iteration"] == self.scale.iterations)

    @property
    def unfinished(self) -> list[str]:
        """What was interrupted, or is not done yet."""
        curves = (curve for curve in self.curves if not self.is_finished(curve))
        return [f"{c.framework}-{c.network}-{c.seed}" for c in curves]
