"""Makes a failing spec small: leaves out and simplifies what it can while the failure stays."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

from .bench import Bench
from .networks import Files
from .repair import Place, text

Change = Callable[[Files], None]


def reduced(files: Files, fails: Callable[[Files], bool], seconds: float = 60) -> Files:
    """The smallest files found in the time that still fail."""
    end = time.monotonic() + seconds
    changed = True
    while changed and time.monotonic() < end:
        changed = False
        for change in list(changes(files)):
            if time.monotonic() > end:
                break
            made = copy.deepcopy(files)
            try:
                change(made)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took it away
            if len(text(made)) < len(text(files)) and fails(made):
                files, changed = made, True
    return files


def small(bench: Bench, files: Files, what: str, seconds: float = 60) -> Files:
    """The smallest files found in the time that fail in the same way."""

    def fails(made: Files) -> bool:
        answer = bench.ask_files(made)
        return answer["verdict"] == "failed" and answer["what"] == what

    return reduced(files, fails, seconds)


def changes(files: Files) -> Iterator[Change]:
    """What may be left out or made simpler, the largest things first."""
    if "base" in files:
        yield _merge
    if "library" in files:
        yield _inline
    for name, block in _blocks(files).items():
        for parameter in block.get("parameters", {}):
            for value in (None, 1, 2, 4, True):
                yield lambda made, n=name, p=parameter, v=value: _give(made, n, p, v)
    places = sorted(_places(files, ()), key=lambda p: (len(p), -len(text(_at(files, p)))))
    for place in places:
        yield lambda made, place=place: _delete(made, place)
    for place in places:
        value = _at(files, place)
        if isinstance(place[-1], int) and isinstance(value, dict):
            yield lambda made, place=place: _hoist(made, place)
        elif isinstance(value, str) and "$" in value:
            for number in (1, 2, 4, True):
                yield lambda made, place=place, number=number: _set(made, place, number)
        elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], int):
            yield lambda made, place=place, number=value[0]: _set(made, place, number)


def _places(value: Any, place: Place) -> Iterator[Place]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = reversed(list(enumerate(value)))
    for key, inner in items:
        yield (*place, key)
        yield from _places(inner, (*place, key))


def _at(data: Any, place: Place) -> Any:
    for key in place:
        data = data[key]
    return data


def _set(files: Files, place: Place, value: Any) -> None:
    _at(files, place[:-1])[place[-1]] = value


def _delete(files: Files, place: Place) -> None:
    del _at(files, place[:-1])[place[-1]]


def _give(files: Files, block: str, parameter: str, value: Any) -> None:
    """A block goes without a parameter: a value stands in its steps, or nothing needs one."""
    found = _blocks(files)[block]
    del found["parameters"][parameter]
    for step in list(_mappings(files)):
        if step.get("block") == block:
            step.pop(parameter, None)
    for part in (found, *_mappings(found)):
        for key, given in part.items():
            if given == f"${parameter}" and value is not None:
                part[key] = value


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)


def _hoist(files: Files, place: Place) -> None:
    """A step that holds steps is replaced by them."""
    holder, number = _at(files, place[:-1]), place[-1]
    step = holder[number]
    inner = next((v for v in step.values() if isinstance(v, list)), None)
    if "residual" in step:
        inner = step["residual"]["branch"]
    if "block" in step:
        blocks = _blocks(files)
        inner = next(v for k, v in blocks[step["block"]].items() if isinstance(v, list))
    if not inner:
        raise KeyError("steps")
    if isinstance(inner[0], list):
        inner = max(inner, key=len)
    holder[number : number + 1] = copy.deepcopy(inner)


def _blocks(files: Files) -> dict[str, Any]:
    return {k: v for data in files.values() for k, v in data.get("blocks", {}).items()}


def _merge(files: Files) -> None:
    """The spec and its base as one."""
    over = files.pop("net")
    files["net"] = {**files.pop("base"), **{k: v for k, v in over.items() if k != "extends"}}
    if isinstance(files["net"].get("stages"), dict):
        raise KeyError("stages")


def _inline(files: Files) -> None:
    """The blocks of the library in the spec itself."""
    library = files.pop("library")
    spec = files.get("base", files["net"])
    spec["blocks"] = {**library["blocks"], **spec.get("blocks", {})}
    spec.pop("use", None)
