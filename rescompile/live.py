"""Emitted source as a module in this process, with tracebacks and `inspect` that show its lines."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType

from .errors import RescompileError

LIVE = "<rescompile "  # what the file names of emitted source begin with, which lies in none


def import_source(source: str, backend: str, name: str) -> ModuleType:
    """Execute emitted source. Raises `RescompileError` where its framework is not installed."""
    filename = f"{LIVE}{backend}/{name}.py>"
    module = ModuleType(f"rescompile_live.{backend}.{name}")
    module.__file__ = filename
    # No modification time: the entry is kept as it is, and tracebacks find it by its name.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, filename, "exec"), module.__dict__)
    except ModuleNotFoundError as error:
        message = (
            f"{error.name} is not installed, which a live {backend} model needs\n"
            f"  = help: pip install 'rescompile[{backend}]'"
        )
        raise RescompileError(message) from None
    return module
