"""Specs to start from: small, commented, and good as they stand; each is the YAML file beside."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ..errors import Diagnostic, SpecError
from ..language.types import NetworkName
from ..language.yaml import scalar

FOLDER = Path(__file__).parent


def kinds() -> list[str]:
    """The kinds of networks that there is a starter for."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def starter(name: str, kind: str) -> str:
    """The text of the starter of a kind, for a network called `name`.

    Raises `SpecError` where no network can be called so.
    """
    try:
        TypeAdapter(NetworkName).validate_python(name)
    except ValidationError as error:
        said = error.errors()[0]["ctx"]
        raise SpecError([Diagnostic("E112", said["message"], help=said["help"])]) from None
    written = name if isinstance(scalar(name), str) else f'"{name}"'
    text = (FOLDER / f"{kind}.yaml").read_bytes().decode("utf-8").replace("\r\n", "\n")
    return text.replace(f"\nname: {kind} ", f"\nname: {written} ", 1)
