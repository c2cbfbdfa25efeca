"""A conversion from end to end: which format, which process, and what is said about it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..api import Architecture, open_spec
from ..download import Settings, Watch
from ..emit.contract import Weights
from ..emit.guard import bound_of
from ..emit.weights import state_slots
from ..errors import Diagnostic, SpecError
from ..files import replacing
from ..ir.structure import path_of
from ..language.stdin import portable
from ..worker.client import OutOfTime, Worker, WorkerError
from ..worker.job import Answer, named, unnamed
from .done import Conversion, changes_of
from .ends import ends
from .fitting import Fitting
from .fresh import initial
from .given import given
from .names import Renames, printable
from .owner import check_installed, check_target, fault, owner_of
from .session import matched, read_back
from .whose import about, doubt

if TYPE_CHECKING:
    from .interchange import Format

SESSION = "rescompile.convert.session"
TOO_LONG = "it takes more processor time to read than any good file of its size"


def convert(
    weights: Path | str,
    spec: str | None,
    output: Path,
    to: str | None = None,
    renames: Renames = (),
    *,
    settings: Settings | None = None,
    watch: Watch | None = None,
    **further: Any,
) -> Conversion:
    """Write the weights of `spec` in one file as another file, of the kind that its suffix says.

    `weights` is a file, or "SPEC:ENTRY" for weights that a spec lists, which are fetched as the
    `settings` say; `spec` is then that one unless it is given. `to` is the backend for which the
    output is meant, by default the one that owns its suffix. `further` is what `Converter.convert`
    takes beside. Raises `SpecError` with everything that is wrong; then nothing was written.
    """
    check_target(output, owner_of(output), to)  # before anything is fetched
    found = given(os.fspath(weights), spec, settings, watch)
    renames = (*found.renames, *renames)
    with Converter() as converter:
        return converter.convert(
            found.file, found.spec, output, to, renames, ignore=found.ignore, **further
        )


class Converter(ExitStack):
    """Does many conversions with one process for each framework, which starts when needed."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: dict[str, Worker] = {}

    def convert(
        self,
        weights: Path,
        spec: str,
        output: Path,
        to: str | None = None,
        renames: Renames = (),
        *,
        skip: Sequence[str] = (),
        ignore: Sequence[str] = (),
        new_head: bool = False,
        adapt: bool = False,
        seed: int = 0,
        changes: Sequence[str] = (),
    ) -> Conversion:
        """One conversion; see `convert`.

        `changes` are those of the spec, as `language.override.words` makes them. What is under a
        name of `skip` is not read; what the network has there starts as the spec says, drawn with
        `seed`. What is under a name of `ignore` may be left over in the file. With `new_head` the
        layers of the head start so that are not as in the file, and with it, or with `adapt`, the
        first convolution is fitted to other input channels.
        """
        source, target = owner_of(weights), owner_of(output)
        check_target(output, target, to)
        net = open_spec(spec, set=changes)
        for owner, file in ((source, weights), (target, output)):
            check_installed(owner, file)
            if owner:
                net.source(owner)  # raises where the backend cannot express the spec
        if not weights.is_file():
            raise fault("E301", f"there is no file '{weights.as_posix()}'")
        job = _Job(self, net, portable(spec), list(changes))
        head, stem = ends(net.analysis.elaborated)
        how = Fitting(renames, skip, ignore, head, stem, new_head, adapt or new_head)
        answer = job.read(weights, source, how)
        if answer.data["problems"]:
            raise SpecError(_diagnostic(found) for found in answer.data["problems"])
        taken = unnamed(answer.arrays)
        fresh = {path_of(name) for name in answer.data["fresh"]}
        made = initial(net.analysis.elaborated, fresh, seed, _float_of(taken))
        with replacing(output) as beside:
            known = about(net, weights)
            count, notes = job.write({**taken, **made}, beside, target, known)
        warning = "" if answer.data["by_order"] else doubt(weights, net, changes)
        shapes = {".".join(path): array.shape for path, array in made.items()}
        return Conversion.of(output, count, answer, shapes, seed, new_head, notes, warning)

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
    changes: list[str]

    def read(self, file: Path, backend: str | None, how: Fitting) -> Answer:
        """Read and match a file. Raises `SpecError` where it is broken."""
        place = file.as_posix()
        if backend is None:
            form, slots = _format(file), state_slots(self.net.analysis)
            answer = matched(form.read(file, bound_of(slots)), slots, how, form.ordered)
        else:
            with _failing(backend, f"read {place}"):
                worker = self.converter.worker(backend)
                answer = worker.ask("read", how=asdict(how), **self.given(file))
        if "broken" in answer.data:
            raise fault("E302", f"cannot read {place}: {printable(answer.data['broken'])}")
        return answer

    def write(
        self, weights: Weights, file: Path, backend: str | None, about: Mapping[str, str]
    ) -> tuple[int, list[str]]:
        """Write weights: how many tensors, and what is to be said about them."""
        if backend is None:
            slots, form = state_slots(self.net.analysis), _format(file)
            zero = np.zeros((), np.int64)  # a counter that the source does not have
            form.write(file, {slot.name: weights.get(slot.path, zero) for slot in slots})
            with form.read(file, bound_of(slots)) as stored:
                answer = read_back(stored, slots, weights)
        else:
            with _failing(backend, "write the weights"):
                worker, dtype = self.converter.worker(backend), _float_of(weights)
                given = self.given(file)
                options = {"dtype": dtype, "about": dict(about), **given}
                answer = worker.ask("write", named(weights), **options).data
        return answer["tensors"], list(changes_of(answer))

    def given(self, file: Path) -> dict[str, Any]:
        """What a process is told of the network and of a file."""
        return {"spec": self.spec, "changes": self.changes, "file": str(file.resolve())}


def _float_of(weights: Weights) -> str:
    """The type that holds the values of all weights but counters."""
    types = {array.dtype for array in weights.values() if array.dtype.kind == "f"}
    return str(np.result_type(*types)) if types else "float32"


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


def _format(file: Path) -> Format:
    from .interchange import FORMATS

    return next(form for suffix, form in FORMATS.items() if file.name.endswith(suffix))


def _diagnostic(found: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(**{**found, "notes": tuple(found["notes"])})
