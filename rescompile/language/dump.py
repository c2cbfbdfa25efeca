"""A spec as one self-contained file: what `extends` and `use` bring in is written out."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import yaml

from .located import Located, LocatedList
from .models import Spec
from .references import Reading
from .unread import changing_nothing
from .validate import validate
from .yaml import Item, escape, scalar

WIDTH = 100
NAMING = ("parameters", "let")  # without names there is nothing for them to say


class _Dumper(yaml.SafeDumper):
    """Quotes each string that this project's reader would take for something else."""


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(value), str) and value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def resolved(root: Item, spec: Spec) -> str:
    """The spec whose tree is `root` as one file, without what its network does not read.

    Of a base and of libraries there may be words and blocks more; in a file of its own what nothing
    reads is an error, which the words of the spec's own file are left to be.
    """
    left = {one.at for one in changing_nothing(spec) if one.at and one.at.file == root.at.file}
    while unread := {(id(o.mapping), o.key) for o in changing_nothing(spec) if o.at not in left}:
        root = _without(root, spec.tree, unread)
        again, _ = validate(root)
        if again is None:
            break
        spec = again  # where nothing reads any more what only these words asked for
    reached, blocks = Reading(spec).reached, root.value.get("blocks")
    if blocks is not None:
        kept = {n: one for n, one in blocks.value.items() if n in reached or _own(one, root)}
        root = Item({**root.value, "blocks": Item(kept, blocks.at)}, root.at)
    return dump(Item({k: v for k, v in root.value.items() if v.value != {}}, root.at))


def _without(item: Item, place: Any, keys: Set[tuple[int, str]]) -> Item:
    """A tree without some keys of the mappings that its parts became."""
    value = item.value
    if isinstance(place, Located):
        kept = {key: inner for key, inner in value.items() if (id(place), key) not in keys}
        value = {key: _without(inner, place.get(key), keys) for key, inner in kept.items()}
        emptied = [k for k in NAMING if k in kept and value[k].value == {} != kept[k].value]
        value = {key: inner for key, inner in value.items() if key not in emptied}
    elif isinstance(place, LocatedList):
        value = [_without(inner, there, keys) for inner, there in zip(value, place, strict=True)]
    return Item(value, item.at, item.key_at)


def _own(item: Item, root: Item) -> bool:
    """Whether something stands in the spec's own file."""
    return (item.key_at or item.at).file == root.at.file


def dump(root: Item) -> str:
    """The tree of a spec as YAML, keys in the language's order, small things on one line."""
    data: dict[str, Any] = root.plain()
    ordered = {key: data[key] for key in Spec.model_fields if key in data}
    text = yaml.dump(
        ordered,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        width=WIDTH,
        allow_unicode=True,
    )
    return "".join(c if c.isprintable() or c == "\n" else escape(c) for c in text)
