"""Weights in a live model, by their name or out of a file: what Python has beside `convert`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..api import open_spec
from ..download import Settings
from ..emit.weights import COUNTER
from ..ir.structure import path_of
from ..language.override import words
from ..published import reference
from ..registry import get_runtime
from .conversion import convert
from .names import Renames


def pretrained(
    weights: str | os.PathLike[str],
    backend: str = "torch",
    spec: str | None = None,
    *,
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    set: Mapping[str, Any] | Iterable[str] = (),
    renames: Renames = (),
    skip: Sequence[str] = (),
    new_head: bool = False,
    seed: int = 0,
    settings: Settings | None = None,
) -> Any:
    """A live model with the weights of a file, or of "SPEC:ENTRY", which are fetched.

    The network may be changed for once, as by `rescompile.load`; `new_head` starts the layers of
    its head afresh that are not as in the file, after `classes=10` say. All of this is as on the
    command line of `rescompile convert`. Raises `SpecError`.
    """
    given = os.fspath(weights)
    changes = words(size, channels, classes, None, None, set)
    with tempfile.TemporaryDirectory(prefix="rescompile-") as folder:
        file = Path(folder, "weights.npz")
        convert(
            given,
            spec,
            file,
            renames=renames,
            settings=settings,
            skip=skip,
            new_head=new_head,
            adapt=channels is not None,
            seed=seed,
            changes=changes,
        )
        with np.load(file) as stored:
            names = [name for name in stored.files if not name.endswith(COUNTER)]
            arrays = {path_of(name): stored[name] for name in names}
    net = open_spec(spec or reference(given)[0], set=changes)
    model = net.module(backend)
    get_runtime(backend).set_weights(model, net.analysis, arrays)
    return model
