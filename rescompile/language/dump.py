"""A spec as one self-contained file: what `extends` and `use` bring in is written out."""

from __future__ import annotations

from typing import Any

import yaml

from .models import Spec
from .references import Reading
from .yaml import Item, escape, scalar

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Quotes each string that this project's reader would take for something else."""


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(value), str) and value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def resolved(root: Item, spec: Spec) -> str:
    """The spec whose tree is `root` as one file, without what its network does not read.

    Of a base and of libraries there may be parameters and blocks more; in a file of its own what
    nothing reads is an error, which the words of the spec's own file are left to be.
    """
    reading = Reading(spec)
    read = reading.of_network
    needed = {"parameters": read, "let": read, "blocks": reading.reached}
    kept = dict(root.value)
    for key, names in needed.items():
        if key in kept:
            inner = {n: v for n, v in kept[key].value.items() if n in names or _own(v, root)}
            kept[key] = Item(inner, kept[key].at, kept[key].key_at)
    if "shortcut" not in reading.of_network and not _own(kept.get("shortcut", root), root):
        del kept["shortcut"]
    return dump(Item({k: v for k, v in kept.items() if v.value != {}}, root.at))


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
