"""A spec with some of its values changed for once: `classes=10`, `stages.layer3.repeat=2`.

A change names a place by the keys that lead there: names of steps in lists, or their numbers from
zero. A parameter may be named by itself, and so may the `size` of the input (`64`, `64x96`) and
its `channels`, or those of all inputs, where these agree; a step is dropped by null. What a change
says is read and judged as if it stood in the file, and a wrong one is told with its own text as the
place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Diagnostic, Location, SpecError, did_you_mean
from .yaml import Item, read, scalar

PARAMETERS = "parameters"


def words(
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    name: str | None = None,
    features: bool | Sequence[int] | None = None,
    more: Mapping[str, Any] | Iterable[str] = (),
) -> tuple[str, ...]:
    """Changes as texts, of which `more` may be some already, or values by their places."""
    side = "x".join(map(str, size)) if isinstance(size, tuple) else size
    given = {"name": name, "size": side, "channels": channels, "classes": classes}
    made = [f"{key}={value}" for key, value in given.items() if value is not None]
    if isinstance(more, str):
        more = (more,)
    if features:
        made.append(f"features={json.dumps(features if features is True else list(features))}")
    if isinstance(more, Mapping):
        more = [f"{key}={plain(value, f'the change of {key!r}')}" for key, value in more.items()]
    return (*made, *more)


def plain(value: object, what: str, write: Callable[[object], str] = json.dumps) -> str:
    """Data of Python as a text that YAML reads. Raises `SpecError` for what is no such data."""
    try:
        return write(value)
    except (TypeError, ValueError, RecursionError) as error:
        help = "write mappings, lists, texts, numbers, booleans and None"
        message = f"{what} is no data of a spec: {error}"
        raise SpecError([Diagnostic("E101", message, help=help)]) from None


def changed(root: Item, changes: Iterable[str]) -> Item:
    """The tree with the changes, in their order; `root` stays as it is. Raises `SpecError`."""
    for change in changes:
        path, sign, text = change.partition("=")
        keys = [key.strip() for key in path.split(".")]
        at = Location(f"the change {change!r}", 1, 1, change)
        if not sign or not all(keys):
            help = "write the place, `=` and the value: `classes=10`, `stages.layer3.repeat=2`"
            raise SpecError([Diagnostic("E101", "this is no change of a spec", at, help=help)])
        value = _located(read(text.strip().encode() or b"''", at.file), at, len(path) + 1)
        for place, part in _meant(root, keys, value):
            root = _with(root, place, part, at)
    return root


def _meant(root: Item, keys: list[str], value: Item) -> Iterator[tuple[Sequence[str], Item]]:
    """The places that a change means, each with its value."""
    parameters = root.value.get(PARAMETERS)
    known = parameters.value if parameters and isinstance(parameters.value, dict) else {}
    if len(keys) > 1 or keys[0] in root.value:
        yield keys, value
    elif keys[0] in known:
        yield [PARAMETERS, *keys], value
    elif keys == ["size"]:
        for image in _images(root, value, "height", "width", "length", "frames"):
            for side, text in _extents(_at(root, image), str(value.value), value.at):
                yield [*image, side], replace(value, value=scalar(text))
    elif keys == ["channels"]:
        for image in _images(root, value, *keys):
            yield [*image, *keys], value
    else:
        yield keys, value


def _images(root: Item, value: Item, *sides: str) -> Iterator[Sequence[str]]:
    """The places of the inputs that are meant: of several all, where they agree in `sides`."""
    inputs = root.value.get("inputs")
    if inputs is None or not isinstance(inputs.value, dict):
        yield ["input"]
        return
    given = [image.value for image in inputs.value.values() if isinstance(image.value, dict)]
    sides = tuple(side for side in sides if any(side in one for one in given)) or sides
    told = [[side in one and one[side].value for side in sides] for one in given]
    if any(one != told[0] for one in told):
        name = [*inputs.value][-1]
        message = f"the inputs differ in {' and '.join(sides)}"
        help = f"say which one is meant: `inputs.{name}.{sides[0]}`"
        raise SpecError([Diagnostic("E106", message, value.at, help=help)])
    for name in inputs.value:
        yield ["inputs", name]


def _at(root: Item, place: Sequence[str]) -> dict[str, Any]:
    """What an input says, by its place."""
    found: Any = root
    for key in place:
        found = found.value.get(key) if isinstance(found.value, dict) else None
        if found is None:
            return {}
    return found.value if isinstance(found.value, dict) else {}


def _extents(known: dict[str, Any], size: str, at: Location) -> Iterator[tuple[str, str]]:
    """The sides of an input with their extents, as in 64x96; one is for an image's both sides."""
    sides = [side for side in ("length", "frames", "height", "width") if side in known]
    extents = size.split("x")
    if len(extents) == 1:
        sides = sides[-2:] or ["height", "width"]
        extents *= len(sides)
    if len(extents) != len(sides):
        message = f"'{size}' is no size of this input, which has {' x '.join(sides)}"
        help = "write a number for each, or one for the sides of an image: `size=64`"
        raise SpecError([Diagnostic("E112", message, at, help=help)])
    yield from zip(sides, extents, strict=True)


def _located(item: Item, at: Location, before: int) -> Item:
    """An item that was read by itself, with all of it placed in the text of its change."""
    place = Location(at.file, 1, before + 1, at.text)
    value: Any = item.value
    if isinstance(value, dict):
        value = {key: _located(inner, at, before) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_located(inner, at, before) for inner in value]
    return Item(value, place, place, item.size)


def _with(item: Item, keys: Sequence[str], value: Item, at: Location, within: str = "") -> Item:
    """The item with `value` at the end of `keys`. A key that is new there is judged later."""
    key, rest = keys[0], keys[1:]
    if isinstance(item.value, list):
        names = [element.label for element in item.value]
        i = _index(key, names, at)
        elements = list(item.value)
        if not rest and value.value is None:
            del elements[i]
        else:
            elements[i] = _with(elements[i], rest, value, at) if rest else value
        return Item(elements, item.at, item.key_at)
    if not isinstance(item.value, dict):
        message = f"there is nothing inside of {item.value!r} to change, so no '{key}'"
        raise SpecError([Diagnostic("E106", message, at)])
    inner = item.value.get(key)
    if rest and inner is None:
        if key not in OPTIONAL:
            help = did_you_mean(key, [str(known) for known in item.value])
            raise SpecError([Diagnostic("E106", f"there is no '{key}' to change", at, help=help)])
        inner = Item({}, at, at)
    if within == PARAMETERS and inner is None:
        help = did_you_mean(key, list(item.value)) or "declare it in the spec"
        raise SpecError([Diagnostic("E106", f"there is no parameter '{key}'", at, help=help)])
    made = _with(inner, rest, value, at, key) if rest and inner is not None else value
    return Item({**item.value, key: made}, item.at, item.key_at)


# Mappings of a spec that need not be written.
OPTIONAL = ("defaults", "norm", "activation", "init", "conv", "linear", PARAMETERS)


def _index(key: str, names: Sequence[str], at: Location) -> int:
    """The place of a list's element by its name or number."""
    if key in names:
        return names.index(key)
    if key.isdigit() and int(key) < len(names):
        return int(key)
    known = [name for name in names if name]
    help = did_you_mean(key, known) or f"its elements are 0 to {len(names) - 1}"
    raise SpecError([Diagnostic("E106", f"there is no step '{key}' here", at, help=help)])
