"""What the emitted code makes of steps under opposite conditions."""

from __future__ import annotations

from pathlib import Path

from rescompile.api import open_spec

SPEC = Path(__file__).parents[2] / "regressions/choices_in_a_sequence.yaml"
WANTED = """
        if deep:
            self.append(nn.BatchNorm2d(channels))
            self.append(nn.Tanh())
        else:
            self.append(nn.BatchNorm2d(channels))
        if channels < 4:
            self.append(nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        else:
            self.append(nn.ReLU())
        self.append(nn.Sigmoid())
"""


def test_opposites_become_an_else() -> None:
    assert WANTED in open_spec(str(SPEC)).source("torch")
