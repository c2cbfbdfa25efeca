"""A spec as one self-contained file: what `extends` and `use` bring in is written out."""

from __future__ import annotations

from typing import Any

import yaml

from .models import Spec
from .yaml import Item, escape, scalar

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Quotes each string that this project's reader would take for something else."""


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(value), str) and value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


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
