"""TensorFlow's local response normalisation: of the sum where others have the mean."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from rescompile.ops import LocalResponseNorm
from rescompile.reference import MEANINGS

tf: Any = pytest.importorskip("tensorflow")


@pytest.mark.parametrize("size", [1, 3, 5])
def test_alpha_is_size_times_that_of_tensorflow(size: int) -> None:
    x = np.random.default_rng(size).standard_normal((2, 7, 4, 5))
    op = LocalResponseNorm(size, alpha=0.3 * size, beta=0.6, k=2.0)
    wanted = MEANINGS[LocalResponseNorm](op, x, {}, False)
    last = x.transpose(0, 2, 3, 1).astype("f4")
    theirs = tf.nn.local_response_normalization(last, size // 2, bias=2.0, alpha=0.3, beta=0.6)
    layer = importlib.import_module("rescompile_keras.helpers.LocalResponseNormalization")
    ours = layer.LocalResponseNormalization(size, 0.3 * size, 0.6, 2.0)(last)
    for found in (theirs, ours):
        assert np.abs(found.numpy().transpose(0, 3, 1, 2) - wanted).max() < 1e-6
