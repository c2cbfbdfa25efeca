"""Steps that are applied again, beside plain PyTorch that calls a module again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="compares with PyTorch itself")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from rescompile.api import open_spec  # noqa: E402
from rescompile.conformance.running.test_shared import RECURRENT, TWINS  # noqa: E402
from rescompile.live import import_source  # noqa: E402
from rescompile.reference import run, step  # noqa: E402
from rescompile.reference.weights import random_weights  # noqa: E402

RETINA = """\
rescompile: 1
name: retina
source: the heads of Lin et al. 2017, arXiv:1708.02002, over three levels
input: {channels: 3, height: 64, width: 64}
blocks:
  head:
    parameters: {channels: {type: int}, outputs: {type: int}}
    body:
      - {name: conv1, conv: {channels: $channels, kernel: 3, bias: true}}
      - activation: {}
      - {name: conv2, conv: {channels: $channels, kernel: 3, bias: true}}
      - activation: {}
      - {name: last, conv: {channels: $outputs, kernel: 3, bias: true}}
stem:
  - {name: stem, conv: {channels: 8, kernel: 3, stride: 4}}
  - norm: {}
  - activation: {}
stages:
  - {name: c3, conv: {channels: 8, kernel: 3, stride: 2}}
  - {name: c4, conv: {channels: 12, kernel: 3, stride: 2}}
  - {name: c5, conv: {channels: 16, kernel: 3, stride: 2}}
  - {name: p5, conv: {channels: 8, kernel: 1}}
  - upsample: {scale: 2}
  - {name: p4, add: [[], [{from: c4}, {name: lateral4, conv: {channels: 8, kernel: 1}}]]}
  - upsample: {scale: 2}
  - {name: p3, add: [[], [{from: c3}, {name: lateral3, conv: {channels: 8, kernel: 1}}]]}
head:
  - {name: classes3, block: head, channels: 8, outputs: 9}
  - from: p4
  - {name: classes4, reuse: classes3}
  - from: p5
  - {name: classes5, reuse: classes3}
  - from: p3
  - {name: boxes3, block: head, channels: 8, outputs: 4}
  - from: p4
  - {name: boxes4, reuse: boxes3}
  - from: p5
  - {name: boxes5, reuse: boxes4}
outputs: [classes3, classes4, classes5, boxes3, boxes4, boxes5]
"""

BATCH = 3


def conv(entering: int, leaving: int, size: int = 3, stride: int = 1, **more: Any) -> nn.Conv2d:
    more = {"padding": size // 2, "bias": False, **more}
    return nn.Conv2d(entering, leaving, size, stride, **more)


class Head(nn.Module):
    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, bias=True)
        self.conv2 = conv(channels, channels, bias=True)
        self.last = conv(channels, outputs, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.relu(self.conv2(F.relu(self.conv1(x)))))


class Retina(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = conv(3, 8, stride=4), nn.BatchNorm2d(8)
        self.c3, self.c4, self.c5 = conv(8, 8, stride=2), conv(8, 12, stride=2), conv(12, 16, 3, 2)
        self.p5, self.lateral4, self.lateral3 = conv(16, 8, 1), conv(12, 8, 1), conv(8, 8, 1)
        self.classes3, self.boxes3 = Head(8, 9), Head(8, 4)

    def forward(self, x: Tensor) -> list[Tensor]:
        c3 = self.c3(F.relu(self.norm(self.stem(x))))
        c4 = self.c4(c3)
        p5 = self.p5(self.c5(c4))
        p4 = F.interpolate(p5, scale_factor=2) + self.lateral4(c4)
        p3 = F.interpolate(p4, scale_factor=2) + self.lateral3(c3)
        return [head(p) for head in (self.classes3, self.boxes3) for p in (p3, p4, p5)]


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(4, 6, stride=2), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = conv(6, 6, stride=2), nn.BatchNorm2d(6)
        self.embed = nn.Linear(96, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))  # without dropout, which the reference leaves out
        return self.embed(F.relu(self.bn2(self.conv2(x))).flatten(1))


class Twins(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = conv(3, 4), conv(4, 4, dilation=2, padding=2)
        self.left, self.fc = Tower(), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        near = self.near(x)
        return [self.fc(torch.cat([self.left(near), self.left(self.far(near))], 1))]


class Turn(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.bn = conv(channels, channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    def __init__(self, entering: int, channels: int, turns: int) -> None:
        super().__init__()
        self.enter, self.first, self.turns = conv(entering, channels, 3, 2), Turn(channels), turns

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.enter(x))
        for _ in range(self.turns):
            x = self.first(x)
        return x + self.first(x)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.layer2, self.fc = Block(3, 6, 1), Block(6, 8, 3), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.fc(self.layer2(self.layer1(x)).mean((2, 3)))]


PAIRS = {"retina": (RETINA, Retina), "twins": (TWINS, Twins), "recurrent": (RECURRENT, Recurrent)}


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> tuple[Any, nn.Module]:
    text, plain = PAIRS[request.param]
    return open_spec(text), plain().double()


def load(net: Any, plain: nn.Module) -> dict[tuple[str, ...], Any]:
    """Random weights, which fit strictly: no name more and no name less."""
    weights = random_weights(net.analysis.elaborated, 3)
    state = {".".join(path): torch.as_tensor(array) for path, array in weights.items()}
    counters = {k: v for k, v in plain.state_dict().items() if k.endswith("num_batches_tracked")}
    plain.load_state_dict({**state, **counters})
    return weights


def images(net: Any) -> Any:
    return np.random.default_rng(1).standard_normal((BATCH, *net.analysis.network.input))


def close(got: Any, wanted: Any, bound: float = 1e-11) -> bool:
    return bool(np.abs(got - wanted).max() <= bound * max(1.0, np.abs(wanted).max()))


def test_the_reference_evaluates_as_plain_code(pair: tuple[Any, nn.Module]) -> None:
    net, plain = pair
    weights, x = load(net, plain), images(net)
    wanted = plain.eval()(torch.as_tensor(x))
    found = run(net.analysis.elaborated, weights, x).outputs
    assert all(close(f, w.detach().numpy()) for f, w in zip(found, wanted, strict=True))


def test_the_reference_trains_as_plain_code(pair: tuple[Any, nn.Module]) -> None:
    """Gradients of all uses together, and running statistics after all of them, in order."""
    net, plain = pair
    weights, x = load(net, plain), images(net)
    outputs = plain.train()(torch.as_tensor(x))
    rng = np.random.default_rng(2)
    targets = [rng.random(tuple(output.shape)) for output in outputs]
    losses = [
        -(torch.as_tensor(target) * F.log_softmax(output, 1)).sum()
        for target, output in zip(targets, outputs, strict=True)
    ]
    torch.stack(losses).sum().backward()
    found = step(net.analysis.elaborated, weights, x, targets)
    wanted = {name: p.grad.numpy() for name, p in plain.named_parameters()}
    assert wanted.keys() == {".".join(path) for path in found.gradients}
    assert all(close(g, wanted[".".join(path)]) for path, g in found.gradients.items())
    kept = {name: b.numpy() for name, b in plain.named_buffers() if "running" in name}
    assert kept.keys() == {".".join(path) for path in found.running}
    assert all(close(value, kept[".".join(path)]) for path, value in found.running.items())


def test_a_module_is_called_again(pair: tuple[Any, nn.Module]) -> None:
    net, plain = pair
    module = import_source(net.source("torch"), "torch", net.name)
    emitted = getattr(module, net.name)().double()
    load(net, plain)
    emitted.load_state_dict(plain.state_dict())
    x = torch.as_tensor(images(net))
    made: Callable[..., Any] = emitted.eval()
    outputs = made(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    wanted = plain.eval()(x)
    assert all(torch.allclose(o, w, 1e-12) for o, w in zip(outputs, wanted, strict=True))
    count = sum(p.numel() for p in plain.parameters())
    assert net.report("network").total.parameters == count
