"""Whose a file of weights is, by its suffix, and what it needs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ..errors import Diagnostic, SpecError, did_you_mean
from ..registry import get_backend, working

INTERCHANGE = {".npz": ("numpy",), ".safetensors": ("numpy", "safetensors")}  # and what they need


def owner_of(file: Path) -> str | None:
    """The backend that a suffix belongs to, None for an interchange format. Raises `SpecError`.

    Of several it is the first by default, then the first by name.
    """
    known = [*INTERCHANGE]
    for backend in working():
        if file.name.endswith(backend.weight_files):
            return backend.name
        known.extend(backend.weight_files)
    if file.name.endswith(tuple(INTERCHANGE)):
        return None
    suffix = "".join(file.suffixes[-2:]) or file.name
    message = f"'{file.name}' is no kind of file for weights that is known here"
    raise fault("E301", message, did_you_mean(suffix, known))


def check_target(output: Path, owner: str | None, to: str | None) -> None:
    if to is None or to == owner:
        return
    backend = get_backend(to)
    if owner is None and output.suffix in backend.interchange_files:
        return
    fitting = ", ".join((*backend.weight_files, *backend.interchange_files))
    message = f"'{output.name}' is no file of weights for {backend.title}"
    raise fault("E301", message, fitting and f"for {backend.title} the output ends in {fitting}")


def bare_needs(owner: str, file: Path) -> tuple[str, ...] | None:
    """What a file of a backend needs, if that is not the framework."""
    found = get_backend(owner).bare_files.items()
    return next((needs for suffix, needs in found if file.name.endswith(suffix)), None)


def _needs(owner: str | None, file: Path) -> tuple[tuple[str, ...], str]:
    """The modules that a file needs, and the extra that brings them."""
    if owner is None:
        return INTERCHANGE[file.suffix], "weights"
    bare = bare_needs(owner, file)
    return (get_backend(owner).requires, owner) if bare is None else (bare, "weights")


def check_installed(owner: str | None, file: Path) -> None:
    needs, extra = _needs(owner, file)
    missing = [name for name in ("numpy", *needs) if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed, which {file.name} needs"
        raise fault("E301", message, f"pip install 'rescompile[{extra}]'")


def fault(code: str, message: str, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, help=help)])
