"""What the emitted code makes of steps under opposite conditions."""

from __future__ import annotations

from pathlib import Path

from rescompile.api import open_spec

SPEC = Path(__file__).parents[2] / "regressions/choices_in_a_sequence.yaml"
WANTED = """
    number = 1
    if deep:
        x = batch_norm(x, name=f"{name}_{number}")
        x = layers.Activation("tanh", name=f"{name}_{number + 1}")(x)
        number += 2
    else:
        x = batch_norm(x, name=f"{name}_{number}")
        number += 1
    if channels < 4:
        x = conv(x, channels, 3, name=f"{name}_{number}")
    else:
        x = layers.ReLU(name=f"{name}_{number}")(x)
    return layers.Activation("sigmoid", name=f"{name}_{number + 1}")(x)
"""


def test_opposites_become_an_else() -> None:
    assert WANTED in open_spec(str(SPEC)).source("keras")
