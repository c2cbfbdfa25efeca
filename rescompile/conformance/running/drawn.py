"""Random weights in a file of no framework's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...api import open_spec
from ...reference.weights import random_weights


def drawn(spec: str, file: Path, dtype: str = "<f4") -> Path:
    """Weights of a spec in an .npz file, by state-dict key."""
    weights = random_weights(open_spec(spec).analysis.elaborated, 5)
    arrays: dict[str, Any] = {".".join(key): value.astype(dtype) for key, value in weights.items()}
    np.savez(file, **arrays)
    return file
