"""Outputs inside of groups, as PyTorch has them."""

from __future__ import annotations

from pathlib import Path

from rescompile.api import open_spec

SPEC = Path(__file__).parents[2] / "regressions/outputs_inside_of_a_group.yaml"


def test_a_module_goes_through_the_sequence_in_parts() -> None:
    body = open_spec(SPEC).source("torch").partition("def forward")[2].partition("\n\n")[0]
    assert [line.strip() for line in body.splitlines()[1:]] == [
        "first = self.first(x)  # 8 x 16 x 16",
        "x = first",
        "for layer in self.body[:2]:",
        "x = layer(x)",
        "body_1 = x  # 8 x 16 x 16",
        "for layer in self.body[2:7]:",
        "x = layer(x)",
        "body_6 = x  # 6 x 16 x 16",
        "x = self.body[7](x)",
        "body_deep = x  # 5 x 8 x 8",
        "last = self.last(x)  # 5 x 8 x 8",
        "return body_6, first, body_deep, last, body_1",
    ]


def test_what_is_returned_is_not_overwritten() -> None:
    """Of the two activations the one of the group comes right after a value that is returned."""
    source = open_spec(SPEC).source("torch")
    assert source.count("nn.ReLU(inplace=True)") == 1  # in the function of the block
    assert source.count("nn.ReLU()") == 1
