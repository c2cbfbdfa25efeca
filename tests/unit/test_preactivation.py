"""ResNet v2 by hand, after the appendix of He et al. 2016 (arXiv:1603.05027) and their Torch code.

The first activation stands right after conv1, before the paths part; a unit that changes the shape
shares its activation with its shortcut, the others add their raw input; a projection has no norm;
a padded shortcut has its zeros after; the last sum gets an activation of its own. (The code is
resnet-pre-act.lua of KaimingHe/resnet-1k-layers, and preresnet.lua of fb.resnet.torch for basic
units; of the two it is the former that has the stride on the first 1x1.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights

from ..conftest import Write

N = 2
SMALL = "input: {height: 32, width: 32}\n"
PARAMETERS = f"parameters: {{n: {N}}}\n"
STAGES = ", ".join(f"layer{i}: {{repeat: {N}}}" for i in range(1, 5))


class ByHand:
    """The network under given weights, unit by unit."""

    def __init__(self, weights: dict[tuple[str, ...], Any]) -> None:
        self.weights = {".".join(path): value for path, value in weights.items()}

    def conv(self, x: Any, name: str, stride: int = 1) -> Any:
        kernel = self.weights[f"{name}.weight"]
        size = kernel.shape[-1]
        half = size // 2
        x = np.pad(x, ((0, 0), (0, 0), (half, half), (half, half)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))
        return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], kernel)

    def activated(self, x: Any, name: str) -> Any:
        mean, var, gain, shift = (
            self.weights[f"{name}.{leaf}"][:, None, None]
            for leaf in ("running_mean", "running_var", "weight", "bias")
        )
        return np.maximum((x - mean) / np.sqrt(var + 1e-5) * gain + shift, 0)

    def unit(self, x: Any, name: str, stride: int, bare: bool, depth: int) -> Any:
        """One residual unit of `depth` convolutions; `bare`: its activation came before."""
        pre = x if bare else self.activated(x, f"{name}.bn1")
        y = self.conv(pre, f"{name}.conv1", stride)
        for i in range(2, depth + 1):
            y = self.conv(self.activated(y, f"{name}.bn{i}"), f"{name}.conv{i}")
        if y.shape == x.shape:
            return y + (pre if bare else x)
        if f"{name}.downsample.0.weight" in self.weights:
            return y + self.conv(pre, f"{name}.downsample.0", stride)
        short = pre[:, :, ::stride, ::stride]
        y[:, : short.shape[1]] += short
        return y

    def network(self, x: Any, stages: int, depth: int, classifier: str) -> Any:
        x = self.activated(self.conv(x, "conv1", 2 if stages == 4 else 1), "bn1")
        if stages == 4:
            padded = np.pad(
                x, ((0, 0), (0, 0), (1, 1), (1, 1))
            )  # zeros: what enters is not negative
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
            x = windows[:, :, ::2, ::2].max((4, 5))
        for stage in range(1, stages + 1):
            for i in range(N):
                stride = 2 if stage > 1 and i == 0 else 1
                x = self.unit(x, f"layer{stage}.{i}", stride, stage == 1 and i == 0, depth)
        x = self.activated(x, "bn2").mean((2, 3))
        return x @ self.weights[f"{classifier}.weight"].T + self.weights[f"{classifier}.bias"]


@pytest.mark.parametrize(
    ("base", "change", "stages", "depth", "classifier"),
    [
        ("preact_resnet110_cifar", PARAMETERS, 3, 2, "linear"),
        ("preact_resnet1001_cifar", PARAMETERS, 3, 3, "linear"),
        ("preact_resnet18", "", 4, 2, "fc"),
        ("preact_resnet50", f"stages: {{{STAGES}}}\n", 4, 3, "fc"),
    ],
)
def test_preactivation(
    write: Write, base: str, change: str, stages: int, depth: int, classifier: str
) -> None:
    head = f"rescompile: 1\nname: small\nextends: {base}\n"
    path = write(SMALL + change, head=head)
    net = open_spec(path).analysis.elaborated
    weights = random_weights(net, 5)
    images = np.random.default_rng(11).standard_normal((2, *net.network.input))
    (made,) = run(net, weights, images).outputs
    wanted = ByHand(weights).network(images, stages, depth, classifier)
    assert relative_error(made, wanted) < 1e-12
