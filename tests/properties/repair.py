"""Specs as files, and their repair: what a diagnostic points at is left out.

It knows nothing of the language but which lists hold steps. A network that is refused still is
worth having without the step that is wrong.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from rescompile.api import open_spec
from rescompile.errors import Location, RescompileError
from rescompile.language.models import COMMON

from .networks import Files, network

Place = tuple[str | int, ...]  # of a value in a file's data, from the outermost key on
MOST_REPAIRS = 40
STAND_IN: dict[str, Any] = {"activation": {}}  # for all steps of a list, until it is wrong as well
LISTS = ("stem", "stages", "head", "body", "sequence", "inline", "group", "steps", "positions")
LISTS += ("branch", "preactivation", "shortcut")
NEEDED = (
    "rescompile",
    "name",
    "input",
    "inputs",
    "stem",
    "stages",
    "blocks",
    "parameters",
    "extends",
)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(data: Any) -> str:
    """Data as YAML."""
    made: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=10_000
    )
    return made


def write(files: Files, folder: Path) -> Path:
    """The files in a folder; the path of the spec."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / f"{name}.yaml").write_text(text(data), "utf-8")
    return folder / "net.yaml"


def shown(files: Files) -> str:
    """All files as one text."""
    return "\n".join(f"# {name}.yaml\n{text(data)}" for name, data in files.items())


def draw(seed: int) -> tuple[Files, int | None]:
    """The network of a seed, repaired, and how many repairs that took: None where none help."""
    with tempfile.TemporaryDirectory(prefix="rescompile-") as folder:
        return repaired(network(seed), Path(folder))


def refusal(path: Path) -> RescompileError | None:
    """What the compiler has against a spec. Other errors are not for here: they are found later."""
    try:
        open_spec(path).report("network")
    except RescompileError as error:
        return error if error.diagnostics else None
    except Exception:
        return None
    return None


def repaired(files: Files, folder: Path) -> tuple[Files, int | None]:
    """The files without what is refused, and how many repairs that took: None where none help."""
    files = copy.deepcopy(files)
    for count in range(MOST_REPAIRS):
        error = refusal(write(files, folder))
        if error is None:
            return files, count
        if not leave_out(files, [one.location for one in error.diagnostics if one.location]):
            break
    return files, None


def leave_out(files: Files, found: list[Location]) -> bool:
    """Remove the attributes or steps at some places; whether anything was removed.

    Of a file, those at the last place first, so that the numbers of the others stay.
    """
    changed = False
    for name, data in files.items():
        source = text(data)
        here = [(at.line, at.column) for at in found if Path(at.file).stem == name]
        places = [find(source, *at) for at in sorted(set(here), reverse=True)]
        for place in dict.fromkeys(places):
            with suppress(KeyError, IndexError, TypeError):  # gone with another
                remove(data, place)
        changed = changed or text(data) != source
    return changed


def find(source: str, line: int, column: int) -> Place:
    """The innermost value that stands around a place, the key counting with its value."""
    best: Place = ()
    for place, first, last in _values(yaml.compose(source, yaml.CSafeLoader), ()):
        if first <= (line - 1, column - 1) <= last:
            best = place
    return best


def _values(node: Any, place: Place) -> Iterator[tuple[Place, Any, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, key.value)
            yield inner, _mark(key.start_mark), _mark(value.end_mark)
            yield from _values(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*place, i), _mark(value.start_mark), _mark(value.end_mark)
            yield from _values(value, (*place, i))


def _mark(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def remove(data: Any, place: Place) -> None:
    """Remove a value; what cannot be missing goes with the step or the mapping that it is in."""
    if place == ("name",):
        data["name"] = "net"
        return
    while place:
        holder = data
        for key in place[:-1]:
            holder = holder[key]
        key = place[-1]
        steps = isinstance(holder, list) and isinstance(key, int) and isinstance(holder[key], dict)
        if steps and holder != [STAND_IN]:
            del holder[key]
            if not holder:
                holder.append(copy.deepcopy(STAND_IN))
            return
        if isinstance(holder, dict) and _is_optional(place, holder):
            del holder[key]
            return
        place = place[:-1]


def _is_optional(place: Place, holder: dict[str, Any]) -> bool:
    """Whether a key is an attribute that may be left out, as far as anyone can tell."""
    key, length = place[-1], len(place)
    if length == 1:
        return key not in NEEDED
    if place[-2] in ("parameters", "let"):
        return True
    if length == 2 and place[-2] in LISTS:
        return True  # what a spec changes of a step of its base
    if key in COMMON or ("block" in holder and key != "block"):
        return True  # of a step, or an argument
    inside = isinstance(place[-2], str) and place[-2] not in LISTS
    return inside and key not in LISTS and key not in ("kernel", "channels", "features", "stop")
