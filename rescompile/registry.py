"""Finds backends: packages named `rescompile_NAME`, and entry points of `rescompile.backends`.

A package is installed, or stands beside the core in a clone; an entry point is a name with an
object, which any installed distribution may declare. Nothing of a backend is imported before it is
asked for, and what is wrong with one is told to those who asked for it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .emit.contract import Backend, Runtime
from .errors import Diagnostic, SpecError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PREFIX = "rescompile_"
GROUP = "rescompile.backends"
NAME = re.compile(r"[a-z][a-z0-9_]*")
MEMBERS = sorted(m for m in {*Backend.__annotations__, *vars(Backend)} if m[0] != "_")
INHERIT = "inherit from rescompile.emit.contract.Backend, which has none of what is not said"
Tell = Callable[[Diagnostic], object]
HELP = "uninstall it, or ask who wrote it to mend it; `rescompile list` tells what works"


def backend_names() -> list[str]:
    """The names of all backends that are found, sorted, whether they work or not."""
    return sorted({*_packages(), *_entry_points()})


def default_backends(tell: Tell = lambda found: None) -> list[str]:
    """The names of the backends that a command takes where none is named.

    They are packages: a command for which nobody named a backend reads no metadata. One that does
    not work is left out, and what is wrong with it is told.
    """
    return [one.name for one in _working(_packages(), tell) if one.by_default]


def working() -> Iterator[Backend]:
    """Every backend that works, those by default first; imported as far as the iteration goes."""
    first = default_backends()
    yield from _working([*first, *(name for name in backend_names() if name not in first)])


def broken() -> list[Diagnostic]:
    """What is wrong with backends that are found."""
    made: list[Diagnostic] = []
    list(_working(backend_names(), made.append))
    packages = _packages()
    for name, found in _entry_points().items():
        for entry in found if name in packages else ():
            if entry.value.partition(":")[0].partition(".")[0] != PREFIX + name:
                reason = f"the name is the package {PREFIX + name}'s, which comes first"
                made.append(_fault(name, reason, (_origin(entry),)))
    return made


def get_backend(name: str) -> Backend:
    """The backend called `name`. Raises `SpecError` if there is none, or if it does not work."""
    _see_clone()
    package = PREFIX + str(name)
    if NAME.fullmatch(str(name)) and find_spec(package) is not None:
        return _checked(name, lambda: importlib.import_module(package).backend, package)
    entries = _entry_points().get(str(name), [])
    if not entries:
        message = f"there is no backend named '{name}'"
        help = did_you_mean(str(name), backend_names())
        raise SpecError([Diagnostic("E002", message, help=help)])
    if len(entries) > 1:
        origins = tuple(map(_origin, entries))
        raise SpecError([_fault(name, f"{len(entries)} distributions claim the name", origins)])
    (entry,) = entries
    if not NAME.fullmatch(name):
        reason = "a name has small letters, digits and underscores, a letter first"
        raise SpecError([_fault(name, reason, (_origin(entry),))])
    return _checked(name, entry.load, _origin(entry))


def get_runtime(name: str) -> Runtime:
    """The runtime of the backend called `name`; imports its framework.

    Raises `SpecError` where it has none, and `ImportError` where the framework is not installed.
    """
    make = get_backend(name).runtime
    if make is None:
        raise SpecError([lacking(name, "runtime")])
    return make()


def lacking(name: str, part: str) -> Diagnostic:
    """That a backend lacks a part that a command needs."""
    title = get_backend(name).title
    able = [one.name for one in working() if getattr(one, part) is not None]
    help = f"these have one: {', '.join(sorted(able))}" if able else ""
    return Diagnostic("E402", f"the {title} backend has no {part}", help=help)


def _working(names: Iterable[str], tell: Tell = lambda found: None) -> Iterator[Backend]:
    for name in names:
        try:
            yield get_backend(name)
        except SpecError as error:
            for found in error.diagnostics:
                tell(found)


def _checked(name: str, load: Callable[[], Any], origin: str) -> Backend:
    """The object, which has all that the contract names. Raises `SpecError`."""
    try:
        found = load()
    except (Exception, SystemExit) as error:  # whatever the module of a third party does
        said = f"{type(error).__name__}: {error}"
        raise SpecError([_fault(name, "it cannot be imported", (origin, said))]) from error
    if isinstance(found, type):
        reason = f"the class {found.__name__} stands where an object of it should be"
        raise SpecError([_fault(name, reason, (origin,))])
    if missing := [member for member in MEMBERS if not _has(found, member)]:
        notes = (origin, f"it has no {', '.join(missing)}", INHERIT)
        raise SpecError([_fault(name, "it is no backend", notes)])
    if found.name != name:
        raise SpecError([_fault(name, f"it calls itself '{found.name}'", (origin,))])
    backend: Backend = found
    return backend


def _has(found: Any, member: str) -> bool:
    try:
        getattr(found, member)
    except Exception:
        return False
    return True


def _fault(name: str, reason: str, notes: tuple[str, ...]) -> Diagnostic:
    message = f"the backend '{name}' cannot be used: {reason}"
    return Diagnostic("E009", message, help=HELP, notes=notes)


def _origin(entry: EntryPoint) -> str:
    owner = entry.dist.name if entry.dist else "a distribution"
    return f"{owner} has the entry point '{entry.name} = {entry.value}'"


def _packages() -> list[str]:
    """The names of the backends that are packages, sorted."""
    _see_clone()
    found = (module.name for module in pkgutil.iter_modules())
    return sorted(name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX))


def _entry_points() -> dict[str, list[EntryPoint]]:
    """The entry points of each name; equal ones, of a package that is found twice, are one."""
    return _entry_points_on(tuple(sys.path))


@lru_cache(maxsize=1)
def _entry_points_on(path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points

    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, {}).setdefault(entry.value, entry)
    return {name: list(entries.values()) for name, entries in found.items()}


def _see_clone() -> None:
    """In a clone that is not installed, the backends stand in a folder beside the package."""
    folder = Path(__file__).resolve().parent.parent / "backends"
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
