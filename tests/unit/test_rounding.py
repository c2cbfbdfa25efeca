"""What stands for the rounding of another program: every number off by one in the last place."""

from __future__ import annotations

import numpy as np

from rescompile.api import open_spec
from rescompile.reference import run
from rescompile.reference.rounding import nudged
from rescompile.reference.weights import random_weights
from rescompile.verify.case import Case
from rescompile.verify.executors import Reference

HEAD = {"rescompile": 1, "name": "mine", "input": {"channels": 3, "height": 6, "width": 6}}
CONV = {"conv": {"channels": 4, "kernel": 3}}
EPSILON = float(np.finfo(np.float64).eps)


def test_a_number_becomes_the_next_one_and_zero_stays() -> None:
    given = np.array([0.0, 1.0, -3.5, 1e-300, 0.0])
    made = nudged(given, np.random.default_rng(0))
    steps = (made.view(np.int64) - given.view(np.int64)).tolist()
    assert [abs(step) for step in steps] == [0, 1, 1, 1, 0]
    others = [nudged(given, np.random.default_rng(seed)).tolist() for seed in range(8)]
    assert made.tolist() in others
    assert len(set(map(tuple, others))) > 1  # up or down


def test_what_layers_make_of_weights_is_rounded_and_what_is_exact_is_not() -> None:
    x = np.random.default_rng(1).standard_normal((2, 3, 6, 6))
    for steps, moves in (
        ([CONV, {"activation": {}}], True),
        ([{"max_pool": {"kernel": 2}}], False),
    ):
        elaborated = open_spec({**HEAD, "stages": steps}).analysis.elaborated
        weights = random_weights(elaborated, 0)
        (exact,) = run(elaborated, weights, x).outputs
        (made,) = run(elaborated, weights, x, rounding=np.random.default_rng(0)).outputs
        assert np.array_equal(made, exact) is not moves
        assert np.array_equal(made == 0, exact == 0)  # a ReLU cuts off the same
        assert np.allclose(made, exact, rtol=2 * EPSILON, atol=0)


def test_noise_has_the_rounding_of_every_layer() -> None:
    """A step less itself is nothing, whatever its weights are: only rounding tells them apart."""
    twice = [{**CONV, "name": "first"}, {"from": "input"}, {"reuse": "first"}]
    less = [[{"from": "first"}], [{"scale": {"factor": -1}}]]
    little = [{"from": "first"}, {"scale": {"factor": 1e-9}}]
    net = open_spec({**HEAD, "stages": [*twice, {"add": [*less, little]}]})
    noise = Reference(Case("mine", net, None, {})).noise(Reference.evaluation)
    assert noise > 1e6 * EPSILON


def test_noise_has_what_a_difference_of_small_values_loses() -> None:
    """Of 1e-4 less its hyperbolic tangent half the digits are lost, and of the slope."""
    steps = [{"scale": {"factor": 1e-4}}, {"activation": {"kind": "tanh_shrink"}}]
    reference = Reference(Case("mine", open_spec({**HEAD, "stages": [CONV, *steps]}), None, {}))
    for ask in (Reference.evaluation, Reference.input_gradient):
        assert reference.noise(ask) > 1e6 * EPSILON
