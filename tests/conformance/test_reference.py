"""The reference, which says who is right, has a meaning and a gradient for each operation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from rescompile.conformance.single import elaborated, example
from rescompile.ops import OPS, Op
from rescompile.reference import run, step
from rescompile.reference.forward import MEANINGS
from rescompile.reference.vjps import VJPS
from rescompile.reference.weights import random_weights

REFERENCE = {"meaning": MEANINGS, "gradient": VJPS}


def meaningless(kind: type[Op]) -> Iterator[str]:
    """What the reference cannot say of an operation."""
    for table, entries in REFERENCE.items():
        if kind not in entries:
            yield f"the reference has no {table} of {kind.__name__}"


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_has_a_meaning_and_a_gradient(kind: type[Op]) -> None:
    assert list(meaningless(kind)) == []
    for made in elaborated(example(kind)):
        x = np.random.default_rng(0).standard_normal((2, *made.network.input))
        outputs = run(made, random_weights(made, 0), x).outputs
        assert np.isfinite(step(made, random_weights(made, 0), x, outputs).loss)


@pytest.mark.parametrize("table", REFERENCE)
@pytest.mark.parametrize("kind", OPS)
def test_a_meaning_that_is_removed_is_missed(
    table: str, kind: type[Op], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REFERENCE[table], kind)
    assert list(meaningless(kind)) == [f"the reference has no {table} of {kind.__name__}"]
