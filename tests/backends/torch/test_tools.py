"""The emitted PyTorch passes PyTorch's own tools, and computes the same through each of them.

It runs in a process of its own, because PyTorch and TensorFlow crash in one.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SLOW = ["resnet34", "googlenet", "mobilenet_v2", "convnext_tiny"]
SPECS = ["shufflenet_v2_x0_5", *(pytest.param(s, marks=pytest.mark.slow) for s in SLOW)]
TOOLS = ["compile", "export", "script", "trace"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs PyTorch: pip install rescompile[torch]"
)

PROGRAM = """
import importlib, json, sys, torch
name = sys.argv[1]
model = getattr(importlib.import_module(f"generated.torch.{name}"), name)().eval()
torch.manual_seed(0)
for module in model.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.normal_(std=0.1)
        module.running_var.uniform_(0.5, 1.5)
x = torch.randn(2, 3, 64, 64)
made = {
    # The eager backend: whether dynamo takes the whole graph does not depend on a C++ compiler.
    "compile": lambda: torch.compile(model, fullgraph=True, backend="eager"),
    "export": lambda: torch.export.export(model, (x,)).module(),
    "script": lambda: torch.jit.script(model),
    "trace": lambda: torch.fx.symbolic_trace(model),
}
with torch.no_grad():
    wanted = model(x)
    errors = {}
    for tool, make in made.items():
        got = make()(x)
        errors[tool] = ((got - wanted).abs().max() / wanted.abs().max()).item()
print(json.dumps(errors))
"""


@cache
def errors(spec: str) -> dict[str, float]:
    """The relative deviation of the output through each tool. Fails where a tool refuses."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, spec],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("spec", SPECS)
def test_a_tool_takes_the_model_whole(spec: str, tool: str) -> None:
    assert errors(spec)[tool] < 1e-6


def test_values_inside_of_a_sequence_are_taken_too() -> None:
    """But for TorchScript, which takes no slice of a sequence of different modules."""
    program = """
import rescompile, torch
model = rescompile.load("vgg11", size=32, features=True).module().eval()
x = torch.randn(1, 3, 32, 32)
made = [torch.compile(model, fullgraph=True, backend="eager"), torch.fx.symbolic_trace(model)]
made.append(torch.export.export(model, (x,)).module())
with torch.no_grad():
    wanted = model(x)
    for one in made:
        torch.testing.assert_close(one(x), wanted)
print(len(wanted))
"""
    assert printed(program) == ["5"]


def test_an_export_multiplies_for_gates_alone() -> None:
    """Sixteen gates in EfficientNet-B0: stochastic depth leaves no factor of one behind."""
    program = """
import torch
from generated.torch.efficientnet_b0 import efficientnet_b0
made = torch.export.export(efficientnet_b0().eval(), (torch.zeros(1, 3, 64, 64),))
print(sum(node.target is torch.ops.aten.mul.Tensor for node in made.graph.nodes))
"""
    assert printed(program) == ["16"]


def printed(program: str) -> list[str]:
    """What a program prints in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()
