"""Specs to start from: commented, and good as they stand.

A kind of network has a small whole one, the YAML file beside; any shipped network is extended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import Diagnostic, SpecError, did_you_mean
from ..language.load import find, load, zoo
from ..language.names import NetworkName
from ..language.yaml import scalar
from .derived import derived

FOLDER = Path(__file__).parent


def kinds() -> list[str]:
    """The kinds of networks that there is a starter for."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def starter(name: str, kind: str, compiles: Callable[[str], bool]) -> str:
    """The text of a spec to start from, for a network called `name`.

    `kind` is one of `kinds()`, or the name of a shipped network. `compiles` tells whether the text
    of a spec is a network: nothing else is suggested. Raises `SpecError` where no network can be
    called so, and where there is no such kind.
    """
    try:
        TypeAdapter(NetworkName).validate_python(name)
    except ValidationError as error:
        said = error.errors()[0]["ctx"]
        raise SpecError([Diagnostic("E112", said["message"], help=said["help"])]) from None
    written = name if isinstance(scalar(name), str) else f'"{name}"'
    if kind not in kinds():
        if kind not in zoo():
            help = did_you_mean(kind, [*kinds(), *zoo()])
            raise SpecError([Diagnostic("E001", f"there is nothing like '{kind}'", help=help)])
        return derived(written, load(find(kind)), compiles)
    text = (FOLDER / f"{kind}.yaml").read_bytes().decode("utf-8").replace("\r\n", "\n")
    return text.replace(f"\nname: {kind} ", f"\nname: {written} ", 1)
