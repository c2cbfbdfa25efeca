"""Slips in a spec taken back, so that what else is wrong can be told at once.

Only that is mended of which nothing else depends: a key that is not known, a kind that is misspelt.
The spec is wrong all the same.
"""

from __future__ import annotations

from typing import Any

from .hints import meant
from .located import Located
from .models import WORDS, Step


def mend(root: Located, detail: Any) -> bool:
    """Take back what an error of pydantic's is about, in the tree itself; whether that was done."""
    if detail["type"] == "extra_forbidden":
        holder, key = _place(root, detail["loc"])
        return isinstance(holder, Located) and _rename(holder, key)
    context = detail.get("ctx", {})
    if "instead" in context:
        holder, key = _place(root, detail["loc"])
        holder[key] = context["instead"]
        return True
    holder, key = _place(root, (*detail["loc"], *context.get("keys", ())))
    return isinstance(holder, Located) and holder.model is Step and _drop(holder, key)


def _place(root: Located, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """The collection that a path leads to, and the key in it; a path has tags of unions too."""
    holder: Any = root
    value: Any = root
    key: Any = None
    for part in path:
        try:
            inner = value[part]
        except (KeyError, IndexError, TypeError):
            continue  # a tag
        holder, key, value = value, part, inner
    return holder, key


def _rename(holder: Located, key: str) -> bool:
    """Call a key what it is meant to be called, or leave it out; no value that went astray."""
    if not key.isidentifier() or holder[key] is None:
        return False
    value = holder.pop(key)
    name = meant(key, holder.model.model_fields) if holder.model else None
    if name is not None and name not in holder:
        holder[name] = value
        holder.places[name] = holder.places[key]
        holder.keys_at[name] = holder.keys_at[key]
    return True


def _drop(step: Located, key: str) -> bool:
    """Leave out a key of a step that does something without it."""
    if not any(word in step and word != key for word in WORDS) or key not in step:
        return False
    del step[key]
    return True
