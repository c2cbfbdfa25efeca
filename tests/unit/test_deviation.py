"""How far values are from those that were wanted, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rescompile.reference.deviation import deviations, worst


def test_the_worst_deviation_has_its_place_and_both_values() -> None:
    wanted = {"a": np.array([[1.0, -4.0]]), "b": np.array([1e-9])}
    got = {"a": np.array([[1.0, -3.0]]), "b": np.array([2e-9])}
    found = deviations(got, wanted)
    assert worst(found) == found["a"]
    assert (found["a"].error, found["a"].index) == (0.25, (0, 1))
    assert (found["a"].got, found["a"].wanted) == (-3.0, -4.0)
    # `b` is tiny beside `a`: it is compared with a thousandth of the largest.
    assert found["b"].error == pytest.approx(1e-9 / 4e-3)


@pytest.mark.parametrize(
    ("got", "problem"),
    [
        ({}, "missing"),
        ({"a": np.zeros(3)}, "is 3, not 2"),
        ({"a": np.zeros(2), "b": 1}, "b should"),
    ],
)
def test_what_cannot_be_compared_is_infinitely_far(got: Any, problem: str) -> None:
    found = worst(deviations(got, {"a": np.zeros(2)}))
    assert found.error == float("inf")
    assert problem in found.problem


def test_nan_is_infinitely_far() -> None:
    found = deviations({"a": np.array([0.0, np.nan])}, {"a": np.array([0.0, 1.0])})["a"]
    assert (found.error, found.index) == (float("inf"), (1,))


@pytest.mark.parametrize("got", [np.nan, 1.0])
def test_what_is_no_number_agrees_with_nothing(got: float) -> None:
    """Not even a reference of NaN lets a network pass: NaN is less than no bound and no other."""
    found = deviations(
        {"a": np.ones(2), "b": np.full(2, got)}, {"a": np.ones(2), "b": np.full(2, np.nan)}
    )
    assert worst(found).error == np.inf
    assert worst(found).where == "b"
