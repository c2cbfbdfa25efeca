"""Finds backends: packages named `rescompile_NAME`, installed, or beside the core in a clone."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path

from .emit.contract import Backend
from .errors import Diagnostic, SpecError, did_you_mean

PREFIX = "rescompile_"


def backend_names() -> list[str]:
    """The names of all backends that can be imported, sorted."""
    _see_clone()
    found = (module.name for module in pkgutil.iter_modules())
    return sorted(name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX))


def default_backends() -> list[str]:
    """The names of the backends that a command takes where none is named."""
    return [name for name in backend_names() if get_backend(name).by_default]


def get_backend(name: str) -> Backend:
    """The backend called `name`. Raises `SpecError` with the known ones if there is none."""
    _see_clone()
    if re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
        try:
            backend: Backend = importlib.import_module(PREFIX + name).backend
            return backend
        except ModuleNotFoundError as error:
            if error.name != PREFIX + name:
                raise
    message = f"there is no backend named '{name}'"
    raise SpecError([Diagnostic("E002", message, help=did_you_mean(str(name), backend_names()))])


def _see_clone() -> None:
    """In a clone that is not installed, the backends stand in a folder beside the package."""
    folder = Path(__file__).resolve().parent.parent / "backends"
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
