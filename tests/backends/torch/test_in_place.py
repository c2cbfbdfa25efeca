"""A sum replaces its first operand only where nobody needs that, and a proof sees to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import get_backend

SPEC = Path(__file__).parents[2] / "regressions/sums_in_place.yaml"
# What other blocks of that spec add, and why the first operand may not be overwritten. (In "Passed"
# it is the second operand itself, so that it could be; emission does not look that far.)
KEPT = {
    "Passed": "x + shortcut",
    "Needed": "x + shortcut",
    "Kept": "x + self.conv(x)",
    "Both": "x + self.silu(x)",
}
REASONS = {
    "Needed": "a sum overwrites a value that is needed by its own gradient",
    "Kept": "a sum overwrites a value that is needed by conv",
    "Both": "a sum overwrites a value that is needed by silu",
}


@pytest.fixture(scope="module")
def net() -> Architecture:
    return open_spec(SPEC)


def forwards(source: str) -> dict[str, str]:
    """The forward pass of each class that has one."""
    classes = re.split(r"^class (\w+)", source, flags=re.M)[1:]
    passes = [text.partition("    def forward")[2].partition("\n\n")[0] for text in classes[1::2]]
    return dict(zip(classes[::2], passes, strict=True))


def test_a_sum_is_in_place_where_its_first_operand_is_nobody_elses(net: Architecture) -> None:
    made = forwards(net.source("torch"))
    added = {name for name, text in made.items() if "x += shortcut\n" in text}
    assert added == {"Taken", "Called", "Viewed", "Scaled"}
    for name, code in KEPT.items():
        assert code in made[name]


@pytest.mark.parametrize("name", REASONS)
def test_what_is_needed_is_not_overwritten(net: Architecture, name: str) -> None:
    target, source = get_backend("torch"), net.source("torch")
    before = forwards(source)[name]
    other = KEPT[name].removeprefix("x + ")
    after = re.sub(
        rf"( +)(.*?){re.escape(KEPT[name])}(.*)",
        lambda m: f"{m[1]}x += {other}\n{m[1]}{m[2]}x{m[3]}",
        before,
        count=1,
    )
    assert after != before
    with pytest.raises(InternalError) as caught:
        validate(target, net.lowered, source.replace(before, after))
    assert REASONS[name] in str(caught.value)


def test_a_value_that_was_overwritten_is_not_read_again(net: Architecture) -> None:
    """The dropped value is, in evaluation, what went into the dropout."""
    target, source = get_backend("torch"), net.source("torch")
    before = forwards(source)["Taken"]
    after = before.replace("self.dropout(self.norm(self.conv(x)))", "self.dropout(y)")
    after = after.replace(
        "        x = self", "        y = self.norm(self.conv(x))\n        x = self"
    )
    after = after.replace("return x", "return y")
    with pytest.raises(InternalError, match="a value is used after it was overwritten"):
        validate(target, net.lowered, source.replace(before, after))
