"""Emitted source as a module in this process, with tracebacks and `inspect` that show its lines.

No file has it, so what is made of it is pickled together with the source: a live model can be
copied, saved whole, and sent to a process where nothing is installed but rescompile and its
framework.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from .errors import RescompileError

LIVE = "<rescompile "  # what the file names of emitted source begin with, which lies in none
ORIGIN = "__origin__"  # where a module has its source, backend, and name of the network
Origin = tuple[str, str, str]
_modules: WeakValueDictionary[Origin, ModuleType] = WeakValueDictionary()


def import_source(source: str, backend: str, name: str) -> ModuleType:
    """Execute emitted source, once. Raises `RescompileError` if its framework is not installed."""
    filename = f"{LIVE}{backend}/{name}.py>"
    known = _modules.get((source, backend, name))
    module = known or ModuleType(f"rescompile_live.{backend}.{name}")
    module.__file__ = filename
    # No modification time: the entry is kept as it is, and tracebacks find it by its name.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    sys.modules[module.__name__] = module
    if known:
        return module
    try:
        exec(compile(source, filename, "exec"), module.__dict__)
    except ModuleNotFoundError as error:
        message = (
            f"{error.name} is not installed, which a live {backend} model needs\n"
            f"  = help: pip install 'rescompile[{backend}]'"
        )
        raise RescompileError(message) from None
    vars(module)[ORIGIN] = (source, backend, name)
    _modules[source, backend, name] = module
    for made in list(vars(module).values()):
        if isinstance(made, type) and made.__module__ == module.__name__:
            _make_portable(made, module)
    return module


def _make_portable(made: Any, module: ModuleType) -> None:
    """Have the objects of a class of `module` pickled with the source, which pickle has once."""
    if made.__reduce__ is not object.__reduce__ or made.__reduce_ex__ is not object.__reduce_ex__:
        return  # the framework has a way of its own

    def reduced(self: Any, protocol: Any) -> tuple[Any, ...]:
        usual: Any = object.__reduce_ex__(self, max(protocol, 2))  # a class, arguments, state
        return (_empty, (*vars(module)[ORIGIN], made.__qualname__), *usual[2:])

    made.__reduce_ex__ = reduced


def _empty(source: str, backend: str, name: str, qualname: str) -> Any:
    """An object of an emitted class, to be filled with what was pickled."""
    found: Any = getattr(import_source(source, backend, name), qualname)
    return found.__new__(found)


def portable(model: Any, module: ModuleType) -> Any:
    """The model that `module` has built, which can be pickled, whatever its class."""
    kind: Any = type(model)
    if kind.__module__ == module.__name__:
        return model

    def reduced(protocol: int) -> tuple[Any, ...]:
        remake, args, *state = kind.__reduce_ex__(model, protocol)
        return (_remade, (*vars(module)[ORIGIN], remake, args), *state)

    with suppress(AttributeError):  # one that has no room for it is pickled as its class has it
        model.__reduce_ex__ = reduced
    return model


def _remade(
    source: str, backend: str, name: str, remake: Callable[..., Any], args: tuple[Any, ...]
) -> Any:
    """A framework's own model with layers of an emitted file, which is executed first."""
    module = import_source(source, backend, name)
    return portable(remake(*args), module)
