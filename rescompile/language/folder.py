"""A folder on the command line stands for the networks in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import Diagnostic, SpecError
from .load import LIBRARY_KEYS, label, read_bytes, zoo
from .stdin import STDIN
from .yaml import read


def networks(specs: Iterable[str]) -> list[str]:
    """Names and paths of specs, each folder replaced by the networks in it, in order.

    Other YAML files and libraries of blocks are passed over; a file that cannot be read is not, so
    that its error is told. A network of the zoo goes before a folder of its name.
    """
    found: list[str] = []
    for spec in specs:
        folder = Path(spec)
        if spec == STDIN or not folder.is_dir() or spec in zoo():
            found.append(spec)
            continue
        inside = [path.as_posix() for path in sorted(folder.rglob("*.y*ml")) if _network(path)]
        if not inside:
            message = f"there is no network in the folder '{folder.as_posix()}'"
            raise SpecError([Diagnostic("E001", message, help="`rescompile new` writes one")])
        found += inside
    return found


def _network(path: Path) -> bool:
    try:
        root = read(read_bytes(path), label(path))
    except SpecError:
        return True
    keys = root.value if isinstance(root.value, dict) else {}
    return "rescompile" in keys and not set(keys) <= {*LIBRARY_KEYS}
