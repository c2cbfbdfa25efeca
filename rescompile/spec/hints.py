"""What newcomers call things, after the frameworks that they know, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import did_you_mean

# Keys as PyTorch, Keras and timm call them; which is meant depends on what the mapping may hold.
KEYS = {
    "alpha": ("slope",),
    "dilation_rate": ("dilation",),
    "eps": ("epsilon",),
    "features": ("channels",),
    "filters": ("channels",),
    "img_size": ("input",),
    "inplanes": ("channels",),
    "n": ("repeat",),
    "negative_slope": ("slope",),
    "num_classes": ("classes",),
    "num_groups": ("groups",),
    "out_channels": ("channels",),
    "out_features": ("features",),
    "p": ("rate",),
    "planes": ("channels",),
    "pool_size": ("kernel",),
    "size": ("kernel",),
    "times": ("repeat",),
    "type": ("kind",),
    "units": ("features",),
    "use_bias": ("bias",),
    "width": ("channels", "features"),
}
STEPS = {
    "batch_norm": "norm",
    "batchnorm": "norm",
    "batchnorm2d": "norm",
    "bn": "norm",
    "cat": "concat",
    "concatenate": "concat",
    "conv2d": "conv",
    "dense": "linear",
    "droppath": "stochastic_depth",
    "drop_path": "stochastic_depth",
    "fc": "linear",
    "gap": "global_avg_pool",
    "maxpool2d": "max_pool",
    "normalization": "norm",
    "pool": "max_pool",
    "sequential": "group",
}
VALUES = {"channels": 64, "features": 1000, "kernel": 3, "rate": 0.5, "rescompile": 1, "stop": 32}


def meant(key: str, known: Iterable[str]) -> str | None:
    """The known key that an unknown one stands for, if that is clear."""
    names = list(known)
    bare = key.partition(":")[0].strip()
    if bare in names:
        return bare
    found = [name for name in KEYS.get(bare.lower(), ()) if name in names]
    if found:
        return found[0]
    near = did_you_mean(bare, names)
    return near.partition("'")[2].rpartition("'")[0] if near.startswith("did you mean") else None


def key_help(key: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown key."""
    names = list(known)
    name = meant(key, names)
    if ":" in key and name:
        return f"put a space after the colon: `{name}: {key.partition(':')[2].strip() or '...'}`"
    if "$" in key or ")" in key:
        return 'put quotes around an expression that holds a comma: "min($a, $b)"'
    if name in KEYS.get(key.lower(), ()):
        return f"it is called `{name}` here"
    return did_you_mean(key, names) if names else "there are no keys here"


def mapping(value: Any, required: list[str], known: Iterable[str]) -> str:
    """A mapping that says what a lone value was to say: `{kind: relu}` for `relu`."""
    names = list(known)
    given = dict(zip(required, value, strict=False)) if isinstance(value, list) else {}
    if isinstance(value, str) and "kind" in names:
        given = {"kind": value}
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and required:
        given = {required[0]: value}
    elif given and not all(isinstance(one, (int, float)) for one in given.values()):
        given = {}
    shown = {**{key: VALUES.get(key, "...") for key in required}, **given}
    return "{" + ", ".join(f"{key}: {one}" for key, one in shown.items()) + "}"
