"""Emitted source that is not what the spec says is refused, and the difference told."""

from __future__ import annotations

from ..conftest import Refusal


def test_names_that_nobody_bound(refusal: Refusal) -> None:
    said = refusal(("8, 8, 3", "8, width, 3"))
    assert "NameError: name 'width' is not defined" in said


def test_the_first_step_that_differs_is_named_with_what_it_takes(refusal: Refusal) -> None:
    said = refusal(("MaxPool2d(3, stride=2, padding=1)", "MaxPool2d(2)"))
    assert "pool is max_pool, kernel (3, 3), stride (2, 2)" in said
    assert "the code has max_pool, kernel (2, 2), stride (2, 2), padding (0, 0)" in said
    assert "of add" in said


def test_work_in_place_on_a_value_that_another_step_needs(refusal: Refusal) -> None:
    said = refusal(("x = x + self.conv3(x)", "x = self.conv3(x) + self.relu(x)"))
    assert "relu overwrites a value that is needed by conv, its own gradient" in said


def test_a_sum_with_what_was_overwritten(refusal: Refusal) -> None:
    """The conv2 before relu2 is overwritten by it: there is no other value to add."""
    said = refusal(
        ("x = self.relu(self.conv2(x))", "y = self.conv2(x)\n        x = self.relu(y)"),
        ("x = x + self.conv3(x)", "x = y + self.conv3(y) + y"),
    )
    assert "the code has add" in said


def test_weights_that_the_spec_does_not_have(refusal: Refusal) -> None:
    said = refusal(
        ("        self.pool =", "        self.spare = nn.Linear(1, 1)\n        self.pool ="),
    )
    assert "there is a weight 'spare.bias' that the spec does not have" in said


def test_what_weights_start_as(refusal: Refusal) -> None:
    said = refusal(("nn.init.zeros_(module.bias)", "pass"))
    assert "the weight 'fc.bias' is [5], uniform nan, not [5], constant 0" in said


def test_code_that_imports_something_else(refusal: Refusal) -> None:
    said = refusal(("from torch import Tensor, nn", "import os\nfrom torch import Tensor, nn"))
    assert "ImportError: the code imports os" in said
