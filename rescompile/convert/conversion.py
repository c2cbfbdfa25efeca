"""A conversion from end to end: which format, which process, and what is said about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import Architecture, open_spec
from ..emit.contract import Weights
from ..emit.guard import bound_of
from ..emit.weights import leaf_of, state_slots
from ..errors import Diagnostic, SpecError
from ..files import replacing
from ..language.stdin import portable
from ..prose import visible
from ..worker.client import OutOfTime, Worker, WorkerError
from ..worker.job import Answer, named, unnamed
from .match import Renames, fold_names, printable
from .owner import check_installed, check_target, fault, owner_of

if TYPE_CHECKING:
    from .interchange import Format

PUBLISHED = (".pth", ".pt", ".safetensors")  # as torchvision and those after it publish weights
SESSION = "rescompile.convert.session"
TOO_LONG = "it takes more processor time to read than any good file of its size"


@dataclass(frozen=True)
class Conversion:
    """What was done: `tensors` written, in lines for a reader."""

    output: Path
    tensors: int
    by_order: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    warning: str = ""  # what names and shapes cannot tell

    def text(self) -> str:
        """Which names were matched by order, what changed its type, and what was written."""
        lines: list[str] = []
        if self.by_order:
            lines.append("matched by order and shape, as these would (check them):")
            lines.extend(f"  --rename {line}" for line in fold_names(self.by_order))
        lines.extend(f"note: {note}" for note in self.notes)
        lines.append(f"wrote {visible(self.output.as_posix())}: {self.tensors:,} tensors")
        if self.warning:
            lines.append(f"warning: {self.warning}")
        return "\n".join(lines) + "\n"


def convert(
    weights: Path, spec: str, output: Path, to: str | None = None, renames: Renames = ()
) -> Conversion:
    """Write the weights of `spec` in one file as another file, of the kind that its suffix says.

    `to` is the backend for which the output is meant, by default the one that owns its suffix.
    Raises `SpecError` with everything that is wrong; then nothing was written.
    """
    with Converter() as converter:
        return converter.convert(weights, spec, output, to, renames)


class Converter(ExitStack):
    """Does many conversions with one process for each framework, which starts when needed."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: dict[str, Worker] = {}

    def convert(
        self, weights: Path, spec: str, output: Path, to: str | None = None, renames: Renames = ()
    ) -> Conversion:
        """One conversion; see `convert`."""
        source, target = owner_of(weights), owner_of(output)
        check_target(output, target, to)
        net = open_spec(spec)
        for owner, file in ((source, weights), (target, output)):
            check_installed(owner, file)
            if owner:
                net.source(owner)  # raises where the backend cannot express the spec
        if not weights.is_file():
            raise fault("E301", f"there is no file '{weights.as_posix()}'")
        job = _Job(self, net, portable(spec))
        answer = job.read(weights, source, renames)
        if answer.data["problems"]:
            raise SpecError(_diagnostic(found) for found in answer.data["problems"])
        with replacing(output) as beside:
            written, notes = job.write(unnamed(answer.arrays), beside, target)
        changed = (
            f"{count} tensors of type {old} became {new}, which holds all of their values"
            for old, new, count in answer.data["converted"]
        )
        by_order = tuple((old, new) for old, new in answer.data["by_order"])
        published = weights.suffix in PUBLISHED and not by_order
        warning = net.request.summary.note if published else ""
        return Conversion(output, written, by_order, (*changed, *notes), warning)

    def worker(self, backend: str) -> Worker:
        """The process that does a backend's part."""
        if backend not in self.workers:
            self.workers[backend] = self.enter_context(Worker(backend, SESSION))
        return self.workers[backend]


@dataclass
class _Job:
    """One conversion under way; weights travel by state-dict key."""

    converter: Converter
    net: Architecture
    spec: str

    def read(self, file: Path, backend: str | None, renames: Renames) -> Answer:
        """Read and match a file. Raises `SpecError` where it is broken."""
        place = file.as_posix()
        if backend is None:
            from .session import matched

            form, slots = _format(file), state_slots(self.net.analysis)
            answer = matched(form.read(file, bound_of(slots)), slots, renames, form.ordered)
        else:
            given: dict[str, Any] = {"spec": self.spec, "file": str(file.resolve())}
            with _failing(backend, f"read {place}"):
                answer = self.converter.worker(backend).ask("read", renames=list(renames), **given)
        if "broken" in answer.data:
            raise fault("E302", f"cannot read {place}: {printable(answer.data['broken'])}")
        return answer

    def write(self, weights: Weights, file: Path, backend: str | None) -> tuple[int, list[str]]:
        """Write weights: how many tensors, and what is to be said about them."""
        import numpy as np

        from .session import read_back

        if backend is None:
            slots, form = state_slots(self.net.analysis), _format(file)
            zero = np.zeros((), np.int64)  # a counter that the source does not have
            form.write(file, {slot.name: weights.get(slot.path, zero) for slot in slots})
            with form.read(file, bound_of(slots)) as stored:
                answer = read_back(stored, slots, weights)
        else:
            types = {array.dtype for array in weights.values() if array.dtype.kind == "f"}
            dtype = str(np.result_type(*types)) if types else "float32"
            given: dict[str, Any] = {"spec": self.spec, "file": str(file.resolve())}
            with _failing(backend, "write the weights"):
                worker = self.converter.worker(backend)
                answer = worker.ask("write", named(weights), dtype=dtype, **given).data
        return answer["tensors"], list(_changes(answer))


@contextmanager
def _failing(backend: str, doing: str) -> Iterator[None]:
    """What goes wrong in a backend's process, as a diagnostic."""
    try:
        yield
    except OutOfTime:
        raise fault("E302", f"cannot {doing}: {TOO_LONG}") from None
    except WorkerError as error:
        lines = str(error).strip().splitlines()
        message = f"the {backend} backend failed to {doing}: {printable(lines[-1])}"
        raise fault("E307", message) from None


def _changes(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a file could not keep, or keeps otherwise."""
    for dtype, count in Counter(answer["widened"].values()).items():
        yield f"{count} tensors became {dtype}, since a model has one type there"
    if answer["lost"]:
        names = {leaf_of(name) for name in answer["lost"]}
        yield f"{len(answer['lost'])} x {', '.join(names)} left out: there is no such thing there"


def _format(file: Path) -> Format:
    from .interchange import FORMATS

    return next(form for suffix, form in FORMATS.items() if file.name.endswith(suffix))


def _diagnostic(found: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(**{**found, "notes": tuple(found["notes"])})
