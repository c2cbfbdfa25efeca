"""Random weights under which values neither explode nor vanish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference import run
from rescompile.reference.weights import random_weights

Write = Callable[..., Path]
DEEP = """
blocks:
  unit:
    body:
      - residual:
          branch:
            - conv: {{channels: 8, kernel: 3}}
            {norm}
            - activation: {{}}
            - conv: {{channels: 8, kernel: 3}}
              name: sums.0
            {norm}
          shortcut: identity
stages:
  - conv: {{channels: 8, kernel: 3}}
    name: first
  - {{name: deep, block: unit, repeat: 40}}
"""


@pytest.mark.parametrize("norm", ["", "- norm: {}"])
def test_sums_of_many_branches_stay_small(write: Write, norm: str) -> None:
    elaborated = open_spec(write(DEEP.format(norm=norm))).analysis.elaborated
    x = np.random.default_rng(0).standard_normal((1, *elaborated.network.input))
    result = run(elaborated, random_weights(elaborated), x, keep=True)
    grown = result.outputs[0].std() / result.values["first",].std()
    assert 0.5 < grown < 1000  # 3 ** 20 where nothing is smaller: each block trebles the variance
