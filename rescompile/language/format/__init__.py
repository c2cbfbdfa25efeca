"""A spec in canonical form: one order of keys, one way to quote, comments kept, meaning untouched.

The form is that of the shipped specs. It is written by ourselves and not by ruamel.yaml, which
keeps comments where a file's layout stays, but neither moves keys nor changes flow into block style
without losing some. What we promise is checked on every call: data and comments are read back.
"""

from __future__ import annotations

from ..yaml import Item, normal, read
from .tree import parse
from .write import write

__all__ = ["canonical"]


def canonical(data: bytes, file: str) -> str:
    """The canonical text of a spec's or a library's bytes. Raises `SpecError` for bad YAML.

    A text that cannot be put into the form without a loss is given back as it is: one with line
    breaks that only YAML 1.1 knows, say. The form of a form is itself.
    """
    before = read(data, file)
    text = normal(data.decode("utf-8"))
    if not isinstance(before.value, dict):
        return text
    document = parse(text)
    made = write(document)
    if made == text:
        return made
    again = parse(made)
    same = _same(before, read(made.encode(), file))
    kept = same and sorted(again.comments) == sorted(document.comments)
    return made if kept and write(again) == made else text


def _same(a: Item, b: Item) -> bool:
    """Whether two trees hold the same data: `1`, `1.0` and `true` are three things."""
    if type(a.value) is not type(b.value):
        return False
    if isinstance(a.value, dict):
        return a.value.keys() == b.value.keys() and all(
            _same(item, b.value[key]) for key, item in a.value.items()
        )
    if isinstance(a.value, list):
        return len(a.value) == len(b.value) and all(map(_same, a.value, b.value))
    return bool(a.value == b.value)
