"""A conversion from end to end: which format, which process, and what is said about it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import Architecture, open_spec
from ..emit.guard import BrokenFile, bound_of
from ..emit.weights import leaf_of, state_slots
from ..errors import Diagnostic, SpecError, did_you_mean
from ..files import replacing
from ..prose import visible
from ..registry import backend_names, get_backend
from ..worker.client import Worker, WorkerError
from .match import Renames, fold_names, match, printable

if TYPE_CHECKING:
    from .interchange import Format

INTERCHANGE = {".npz": ("numpy",), ".safetensors": ("numpy", "safetensors")}  # and what they need
PUBLISHED = (".pth", ".pt", ".safetensors")  # as torchvision and those after it publish weights
WITH_FRAMEWORK, BARE = "rescompile.convert.session", "rescompile.convert.bare"


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
        self.workers: dict[tuple[str, str], Worker] = {}

    def convert(
        self, weights: Path, spec: str, output: Path, to: str | None = None, renames: Renames = ()
    ) -> Conversion:
        """One conversion; see `convert`."""
        source, target = _owner(weights), _owner(output)
        _check_target(output, target, to)
        net = open_spec(spec)
        for owner, file in ((source, weights), (target, output)):
            _check_installed(owner, file)
            if owner:
                net.source(owner)  # raises where the backend cannot express the spec
        if not weights.is_file():
            raise _fault("E301", f"there is no file '{weights.as_posix()}'")
        with tempfile.TemporaryDirectory(prefix="rescompile-") as folder:
            job = _Job(self, net, spec, Path(folder, "weights.npz"))
            answer = job.read(weights, source, renames)
            if answer["problems"]:
                raise SpecError(_diagnostic(found) for found in answer["problems"])
            with replacing(output) as beside:
                written, notes = job.write(beside, target)
        changed = (
            f"{count} tensors of type {old} became {new}, which holds all of their values"
            for old, new, count in answer["converted"]
        )
        by_order = tuple((old, new) for old, new in answer["by_order"])
        published = weights.suffix in PUBLISHED and not by_order
        warning = net.request.summary.note if published else ""
        return Conversion(output, written, by_order, (*changed, *notes), warning)

    def worker(self, backend: str, file: Path) -> Worker:
        """The process that does a backend's part with a file."""
        key = backend, WITH_FRAMEWORK if _bare(backend, file) is None else BARE
        if key not in self.workers:
            self.workers[key] = self.enter_context(Worker(*key))
        return self.workers[key]


@dataclass
class _Job:
    """One conversion under way: weights go through the file `between`, by state-dict key."""

    converter: Converter
    net: Architecture
    spec: str
    between: Path

    def ask(self, backend: str, file: Path, job: dict[str, Any], doing: str) -> dict[str, Any]:
        """A job about a file for a backend's process. Raises `SpecError` where it fails."""
        given = {**job, "spec": self.spec, "file": str(file.resolve())}
        try:
            return self.converter.worker(backend, file).ask(given)
        except WorkerError as error:
            lines = str(error).strip().splitlines()
            message = f"the {backend} backend failed to {doing}: {printable(lines[-1])}"
            raise _fault("E307", message) from None

    def read(self, file: Path, backend: str | None, renames: Renames) -> dict[str, Any]:
        """Read and match a file; the weights are in `between`."""
        place = file.as_posix()
        if backend is None:
            answer = self.read_neutral(file, renames)
        else:
            job = {"action": "read", "renames": list(renames), "out": str(self.between)}
            answer = self.ask(backend, file, job, f"read {place}")
        if "broken" in answer:
            raise _fault("E302", f"cannot read {place}: {printable(answer['broken'])}")
        return answer

    def read_neutral(self, file: Path, renames: Renames) -> dict[str, Any]:
        from .session import save_match

        form, slots = _format(file), state_slots(self.net.analysis)
        try:
            with form.read(file, bound_of(slots)) as stored:
                made = match(slots, stored, renames, form.ordered)
        except BrokenFile as error:
            return {"broken": str(error)}
        return save_match(made, str(self.between))

    def write(self, file: Path, backend: str | None) -> tuple[int, list[str]]:
        """Write what is in `between`: how many tensors, and what is to be said about them."""
        import numpy as np

        from .session import read_back

        with np.load(self.between, allow_pickle=False) as kept:
            weights = {tuple(name.split(".")): kept[name] for name in kept.files}
        if backend is None:
            slots, form = state_slots(self.net.analysis), _format(file)
            zero = np.zeros((), np.int64)  # a counter that the source does not have
            form.write(file, {slot.name: weights.get(slot.path, zero) for slot in slots})
            with form.read(file, bound_of(slots)) as stored:
                answer = read_back(stored, slots, weights)
        else:
            types = {array.dtype for array in weights.values() if array.dtype.kind == "f"}
            dtype = str(np.result_type(*types)) if types else "float32"
            job = {"action": "write", "weights": str(self.between), "dtype": dtype}
            answer = self.ask(backend, file, job, "write the weights")
        return answer["tensors"], list(_changes(answer))


def _changes(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a file could not keep, or keeps otherwise."""
    for dtype, count in Counter(answer["widened"].values()).items():
        yield f"{count} tensors became {dtype}, since a model has one type there"
    if answer["lost"]:
        names = {leaf_of(name) for name in answer["lost"]}
        yield f"{len(answer['lost'])} x {', '.join(names)} left out: there is no such thing there"


def _owner(file: Path) -> str | None:
    """The backend that a suffix belongs to, None for an interchange format. Raises `SpecError`."""
    known = [*INTERCHANGE]
    for name in backend_names():
        suffixes = get_backend(name).weight_files
        if file.name.endswith(suffixes):
            return name
        known.extend(suffixes)
    if file.name.endswith(tuple(INTERCHANGE)):
        return None
    suffix = "".join(file.suffixes[-2:]) or file.name
    message = f"'{file.name}' is no kind of file for weights that is known here"
    raise _fault("E301", message, did_you_mean(suffix, known))


def _check_target(output: Path, owner: str | None, to: str | None) -> None:
    if to is None or to == owner:
        return
    backend = get_backend(to)
    if owner is None and output.suffix in backend.interchange_files:
        return
    fitting = ", ".join((*backend.weight_files, *backend.interchange_files))
    message = f"'{output.name}' is no file of weights for {backend.title}"
    raise _fault("E301", message, f"for {backend.title} the output ends in {fitting}")


def _format(file: Path) -> Format:
    from .interchange import FORMATS

    return next(form for suffix, form in FORMATS.items() if file.name.endswith(suffix))


def _bare(owner: str, file: Path) -> tuple[str, ...] | None:
    """What a file of a backend needs, if that is not the framework."""
    found = get_backend(owner).bare_files.items()
    return next((needs for suffix, needs in found if file.name.endswith(suffix)), None)


def _needs(owner: str | None, file: Path) -> tuple[tuple[str, ...], str]:
    """The modules that a file needs, and the extra that brings them."""
    if owner is None:
        return INTERCHANGE[file.suffix], "weights"
    bare = _bare(owner, file)
    return (get_backend(owner).requires, owner) if bare is None else (bare, "weights")


def _check_installed(owner: str | None, file: Path) -> None:
    needs, extra = _needs(owner, file)
    missing = [name for name in ("numpy", *needs) if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed, which {file.name} needs"
        raise _fault("E301", message, f"pip install 'rescompile[{extra}]'")


def _diagnostic(found: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(**{**found, "notes": tuple(found["notes"])})


def _fault(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
