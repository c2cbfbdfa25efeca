"""Charts as files: the same bytes for the same networks, written all or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Diagnostic, SpecError
from ..files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a file says of itself; without it matplotlib tells the time.
METADATA: dict[str, dict[str, str | None]] = {
    ".svg": {"Date": None, "Creator": "rescompile"},
    ".png": {"Software": "rescompile"},
    ".pdf": {"CreationDate": None, "ModDate": None, "Creator": "rescompile", "Producer": None},
}
SUFFIXES = tuple(METADATA)


def check_suffix(path: Path) -> str:
    """The suffix of a file that can be written. Raises `SpecError` for any other."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        message = f"a chart is no file like {path.as_posix()}"
        raise SpecError([Diagnostic("E006", message, help=f"known: {', '.join(SUFFIXES)}")])
    return suffix


def save(figure: Figure, path: Path) -> None:
    """Write a figure as what the suffix of `path` says: SVG, PNG, or PDF. Raises `SpecError`."""
    suffix = check_suffix(path)
    from .style import styled

    with replacing(path) as beside:
        styled(figure.savefig)(beside, format=suffix[1:], metadata=METADATA[suffix])
