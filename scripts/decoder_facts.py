"""Records what decoders are and compute that are written here after their authors' code.

    python scripts/decoder_facts.py

writes tests/facts/decoders.json. It needs what scripts/axes_facts.py does, and nothing of
rescompile. The codes are sanghyun-son/EDSR-PyTorch (src/model), ozan-oktay/Attention-Gated-Networks
(unet_CT_single_att_dsv_3D.py, with two axes instead of three), MrGiovanni/UNetPlusPlus (`Nest_Net`
of model.py, for Keras) and Newmu/dcgan_code (`gen` of faces/train_uncond_dcgan.py, for Theano).
Tensors have the names that the specs have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from axes_facts import facts
from torch import Tensor, nn

FACTS = Path(__file__).parents[1] / "tests/facts/decoders.json"


class ResBlock(nn.Module):
    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.body = nn.Sequential(same(width, width), nn.ReLU(), same(width, width))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).mul(self.scale) + x


class EDSR(nn.Module):
    """Without its first and last layer, which shift the mean of an image and learn nothing."""

    def __init__(self, blocks: int, width: int, factor: int, scale: float = 1) -> None:
        super().__init__()
        steps = [2, 2] if factor == 4 else [factor]
        shuffled = nn.Sequential()
        for n in steps:
            shuffled.extend([same(width, width * n * n), nn.PixelShuffle(n)])
        self.head = nn.Sequential(same(3, width))
        self.body = nn.Sequential(*(ResBlock(width, scale) for _ in range(blocks)))
        self.body.append(same(width, width))
        self.tail = nn.Sequential(shuffled, same(width, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        return self.tail(self.body(x) + x)


class TwoConvs(nn.Module):
    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(same(channels, made), nn.BatchNorm2d(made), nn.ReLU())
        self.conv2 = nn.Sequential(same(made, made), nn.BatchNorm2d(made), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class GridAttention(nn.Module):
    def __init__(self, channels: int, gating: int) -> None:
        super().__init__()
        self.W = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))
        self.theta = nn.Conv2d(channels, channels, 2, 2, bias=False)
        self.phi = nn.Conv2d(gating, channels, 1)
        self.psi = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        theta = self.theta(x)
        phi = enlarged(self.phi(g), theta.shape[2:])
        share = enlarged(torch.sigmoid(self.psi(torch.relu(theta + phi))), x.shape[2:])
        return self.W(share.expand_as(x) * x)


class Attention(nn.Module):
    def __init__(self, channels: int, gating: int) -> None:
        super().__init__()
        self.gate_block_1 = GridAttention(channels, gating)
        self.combine_gates = pointwise(channels)

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        return self.combine_gates(self.gate_block_1(x, g))


class AttentionUNet(nn.Module):
    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        width = [1, 16, 32, 64, 128, 256]
        for i in range(1, 5):
            self.add_module(f"conv{i}", TwoConvs(width[i - 1], width[i]))
            up = nn.ModuleDict({"conv": TwoConvs(width[i] + width[i + 1], width[i])})
            self.add_module(f"up_concat{i}", up)
            if i > 1:
                self.add_module(f"attentionblock{i}", Attention(width[i], width[i + 1]))
                scores = nn.Sequential(
                    nn.Conv2d(width[i], classes, 1),
                    nn.Upsample(scale_factor=2 ** (i - 1), mode="bilinear"),
                )
                self.add_module(f"dsv{i}", nn.ModuleDict({"dsv": scores}))
        self.center = TwoConvs(128, 256)
        self.gating = nn.ModuleDict({"conv1": pointwise(256)})
        self.dsv1 = nn.Conv2d(16, classes, 1)
        self.final = nn.Conv2d(4 * classes, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i in range(1, 5):
            skips.append(getattr(self, f"conv{i}")(x))
            x = nn.functional.max_pool2d(skips[-1], 2)
        x = self.center(x)
        gating, scores = self.gating["conv1"](x), []
        for i in (4, 3, 2, 1):
            skip = skips[i - 1]
            if i > 1:
                skip = getattr(self, f"attentionblock{i}")(skip, gating)
            both = torch.cat([skip, enlarged(x, skip.shape[2:])], 1)
            gating = x = getattr(self, f"up_concat{i}")["conv"](both)
            scores.append(getattr(self, f"dsv{i}")["dsv"](x) if i > 1 else self.dsv1(x))
        return self.final(torch.cat(scores[::-1], 1))


class NestNet(nn.Module):
    """Rows and columns count from one: `conv12` is a node of the first row."""

    def __init__(self) -> None:
        super().__init__()
        width = [32, 64, 128, 256, 512]
        for column in range(1, 6):
            for row in range(1, 7 - column):
                own, place = width[row - 1], f"{row}{column}"
                entering = width[row - 2] if row > 1 else 1
                if column > 1:
                    self.add_module(f"up{place}", nn.ConvTranspose2d(width[row], own, 2, 2))
                    entering = own * column
                self.add_module(f"conv{place}_1", same(entering, own))
                self.add_module(f"conv{place}_2", same(own, own))
        self.output = nn.Conv2d(width[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: dict[tuple[int, int], Tensor] = {}
        for depth in range(1, 6):  # one down, then up along the diagonal
            for column in range(1, depth + 1):
                row = depth + 1 - column
                if column > 1:
                    up = getattr(self, f"up{row}{column}")(made[row + 1, column - 1])
                    x = torch.cat([up, *(made[row, i] for i in range(1, column))], 1)
                elif row > 1:
                    x = nn.functional.max_pool2d(made[row - 1, 1], 2)
                for i in (1, 2):
                    x = nn.functional.elu(getattr(self, f"conv{row}{column}_{i}")(x))
                made[row, column] = x
        return torch.sigmoid(self.output(made[1, 5]))


def nest_name(key: str) -> str:
    layer, _, leaf = key.rpartition(".")
    if layer == "output":
        return key
    kind, row, column = layer.rstrip("_12345"), *layer.removeprefix("conv").removeprefix("up")[:2]
    node = f"x{int(row) - 1}_{int(column) - 1}"
    if kind == "up":
        return f"{node}.up.{leaf}"
    return f"{node}{'.unit' if column > '1' else ''}.conv{layer[-1]}.{leaf}"


class Deconv(nn.Module):
    """The gradient of a convolution with respect to its images, as its authors compute it."""

    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, made, 5, 5))

    def forward(self, x: Tensor) -> Tensor:
        size = (len(x), self.weight.shape[1], 2 * x.shape[2], 2 * x.shape[3])
        return nn.grad.conv2d_input(size, self.weight, x, stride=2, padding=2)


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(100, 128 * 8 * 4 * 4, bias=False)
        self.bn = nn.BatchNorm1d(128 * 8 * 4 * 4, eps=1e-8)
        for i, width in enumerate((512, 256, 128), 1):
            norm = nn.BatchNorm2d(width, eps=1e-8)
            self.add_module(f"up{i}", nn.Sequential(Deconv(2 * width, width), norm, nn.ReLU()))
        self.image = Deconv(128, 3)

    def forward(self, z: Tensor) -> Tensor:
        h = torch.relu(self.bn(self.project(z.flatten(1))))
        h = h.reshape(len(h), 128 * 8, 4, 4)
        return torch.tanh(self.image(self.up3(self.up2(self.up1(h)))))


def pointwise(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())


def enlarged(x: Tensor, size: torch.Size) -> Tensor:
    return nn.functional.interpolate(x, size, mode="bilinear")


def same(channels: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(channels, made, 3, padding=1)


def main() -> None:
    models: dict[str, tuple[nn.Module, tuple[int, ...], Any]] = {
        "edsr_baseline_x2": (EDSR(16, 64, 2), (2, 3, 10, 12), str),
        "edsr_baseline_x3": (EDSR(16, 64, 3), (2, 3, 10, 12), str),
        "edsr_baseline_x4": (EDSR(16, 64, 4), (2, 3, 10, 12), str),
        "edsr_x4": (EDSR(32, 256, 4, 0.1), (2, 3, 8, 8), str),
        "attention_unet": (AttentionUNet(), (2, 1, 48, 64), str),
        "unet_plus_plus": (NestNet(), (2, 1, 32, 48), nest_name),
        "dcgan_generator": (Generator(), (2, 100, 1, 1), str),
    }
    found = {}
    for name, (model, shape, renamed) in models.items():
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        found[name] = facts(model, x, renamed)
    del found["dcgan_generator"]["macs"]  # PyTorch counts no gradients of this kind
    lines = [f" {json.dumps(one)}: {json.dumps(found[one])}" for one in sorted(found)]
    FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
