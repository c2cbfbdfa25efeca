"""What `extends` does: one spec laid upon another."""

from __future__ import annotations

from ..errors import Diagnostic, did_you_mean, near
from .types import shown
from .yaml import Item

SIDES = ("before", "after")  # what a new element of a list says of its place


def merge(base: Item, over: Item, found: list[Diagnostic]) -> Item:
    """`over` laid upon `base`: mappings key by key, list elements by name, all else replaced."""
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        merged = dict(base.value)
        for key, item in over.value.items():
            merged[key] = merge(merged[key], item, found) if key in merged else item
        return Item(merged, over.at, over.key_at)
    if isinstance(base.value, list) and isinstance(over.value, dict):
        return _merge_named(base, over, found)
    return over


def _merge_named(base: Item, over: Item, found: list[Diagnostic]) -> Item:
    """A mapping upon a list: each key changes the list's element of that name.

    An element is dropped by null, and a new one says `before` or `after` which it stands.
    """
    elements = list(base.value)
    for key, item in over.value.items():
        labels = [element.label for element in elements]
        if key not in labels:
            _insert(elements, key, item, found)
        elif item.value is None:
            del elements[labels.index(key)]
        else:
            i = labels.index(key)
            elements[i] = merge(elements[i], item, found)
    return Item(elements, over.at, over.key_at)


def _insert(elements: list[Item], key: str, item: Item, found: list[Diagnostic]) -> None:
    """A new element beside the one that it names."""
    known = [element.label for element in elements if element.label]
    places = [side for side in SIDES if isinstance(item.value, dict) and side in item.value]
    if not places:
        message = f"there is nothing named '{key}' to change in the base"
        help = did_you_mean(key, known)
        if isinstance(item.value, dict) and not near(key, known):
            last = known[-1] if known else "conv1"
            help = f"{help}; to add a step, say where: `{key}: {{after: {last}, ...}}`"
        found.append(Diagnostic("E106", message, item.key_at, help=help))
        return
    beside = item.value[places[-1]]
    if len(places) > 1 or beside.value not in known:
        message = f"there is no step {shown(beside.value)} for '{key}' to stand {places[-1]}"
        help = did_you_mean(str(beside.value), known)
        if len(places) > 1:
            message, help = f"'{key}' stands before or after another step", "remove one of the two"
        found.append(Diagnostic("E106", message, beside.key_at or beside.at, help=help))
        return
    keys = {name: inner for name, inner in item.value.items() if name not in SIDES}
    name = Item(key, item.key_at or item.at, item.key_at)
    labels = [element.label for element in elements]
    i = labels.index(beside.value) + (places[-1] == "after")
    elements.insert(i, Item({"name": name, **keys}, item.at, item.key_at))
