"""Outputs inside of groups, as a functional model has them."""

from __future__ import annotations

from pathlib import Path

from rescompile.api import open_spec

SPEC = Path(__file__).parents[2] / "regressions/outputs_inside_of_a_group.yaml"


def test_values_are_kept_by_name() -> None:
    lines = [line.strip() for line in open_spec(SPEC).source("keras").splitlines()]
    kept = [i for i, line in enumerate(lines) if line in ("body_1 = x", "body_6 = x")]
    assert [lines[i - 1].partition("name=")[2] for i in kept] == [
        '"body_1")  # 16 x 16 x 8',
        '"body", start=5)  # 16 x 16 x 6',
    ]
