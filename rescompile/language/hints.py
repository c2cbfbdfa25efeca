"""What newcomers call things, after the frameworks that they know, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import did_you_mean, near
from .foreign import ANSWERS, ASIDE, DIMENSIONS, FOREIGN, KEYS, KINDS

VALUES = {
    "channels": 64,
    "factor": 0.1,
    "features": 1000,
    "kernel": 3,
    "rate": 0.5,
    "rescompile": 1,
    "stop": 32,
}


QUOTES = 'put quotes around an expression that holds a comma: "min($a, $b)"'


def is_torn(key: str) -> bool:
    """Whether a key is a piece of an expression, which a comma without quotes tore apart."""
    return "$" in key or ")" in key


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that an unknown one may stand for; some one of them where that is not told."""
    words = list(known)
    other = KINDS.get(word.lower().replace("_", ""), "")
    return other if other in words else (near(word, words) or words[1:])[0]


def word_help(word: str, known: Iterable[str], names: dict[str, str] = KINDS) -> str:
    """What to write instead of an unknown word; `names` are those that others have for known ones.

    A word of another tool is never taken for a slip of one of ours.
    """
    plain = word.lower().replace("_", "")
    if plain in names and names[plain] in known:
        return f"it is called `{names[plain]}` here"
    if plain in ANSWERS:
        return ANSWERS[plain]
    flat = plain.replace("1d", "2d").replace("3d", "2d")
    if flat != plain and names.get(flat, "") in known:
        return f"it is called `{names[flat]}` here: how many axes it works on the input tells"
    if plain in FOREIGN or plain.endswith(DIMENSIONS):
        return f"`{word}` is not in this language; known: {', '.join(sorted(known))}"
    return did_you_mean(word, known)


def meant(key: str, known: Iterable[str]) -> str | None:
    """The known key that an unknown one stands for, if that is clear."""
    names = list(known)
    bare = key.partition(":")[0].strip()
    if bare in names:
        return bare
    found = [name for name in KEYS.get(bare.lower(), ()) if name in names]
    if found or bare.lower() in ASIDE:
        return found[0] if found else None
    slips = near(bare, names)
    return slips[0] if len(slips) == 1 else None


def key_help(key: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown key."""
    names = list(known)
    name = meant(key, names)
    if ":" in key and name:
        return f"put a space after the colon: `{name}: {key.partition(':')[2].strip() or '...'}`"
    if is_torn(key):
        return QUOTES
    if name in KEYS.get(key.lower(), ()):
        return f"it is called `{name}` here"
    if name is None and key.lower() in ASIDE:
        return ASIDE[key.lower()]
    return did_you_mean(key, names) if names else "there are no keys here"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def mapping(value: Any, required: list[str], known: Iterable[str]) -> str:
    """A mapping that says what a lone value was to say: `{kind: relu}` for `relu`."""
    names = list(known)
    given = dict(zip(required, value, strict=False)) if isinstance(value, list) else {}
    if isinstance(value, str) and "kind" in names:
        given = {"kind": value}
    elif required and (_is_number(value) or (isinstance(value, str) and "$" in value)):
        given = {required[0]: value}
    elif given and not all(isinstance(one, (int, float)) for one in given.values()):
        given = {}
    shown = {**{key: VALUES.get(key, "...") for key in required}, **given}
    return "{" + ", ".join(f"{key}: {one}" for key, one in shown.items()) + "}"
