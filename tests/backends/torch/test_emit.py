"""Odd networks through the PyTorch emitter: the text is safe, and the model is the reference's."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.worker.client import Worker

HEAD = """
rescompile: 1
name: odd
input: {channels: 3, height: 13, width: 18}
"""
SAY = """
blocks:
  unit:
    about: '%s'
    body:
      - conv: {channels: 4, kernel: 3}
        name: conv
stages:
  - {name: a, block: unit}
"""
LOOPS = """
stages:
  - name: features
    group:
      - repeat: 2
        steps:
          - conv: {channels: 8, kernel: 3}
          - activation: {}
          - max_pool: {kernel: 2, stride: 2}
"""
OUTPUTS = """
stages:
  - conv: {channels: 4, kernel: 3}
    name: x
  - activation: {}
  - conv: {channels: 6, kernel: 3, stride: 2}
    name: conv
  - activation: {}
    name: last
outputs: [x, conv, last]
"""
ONCE = """
blocks:
  grow:
    parameters:
      more: {type: int, default: 2, once: true}
      extra: {type: int}
    body:
      - concat:
          - []
          - - conv: {channels: $more + $extra, kernel: 3}
              name: conv
stages:
  - {name: a, block: grow, repeat: 3, more: 5, extra: $index + 1}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "odd.yaml"
    path.write_text(HEAD + text, "utf-8")
    return path


@pytest.mark.parametrize(
    "about",
    [
        'x"""; import os; os.system("echo") #',
        'ends with a "quote"',
        '"begins with one',
        "ends with \\",
        "a word too many, " * 12,
    ],
)
@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_no_text_ends_a_docstring(tmp_path: Path, about: str, backend: str) -> None:
    tree = ast.parse(open_spec(write(tmp_path, SAY % about)).source(backend))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported <= {"torch", "keras"}
    found = [
        ast.get_docstring(n) for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)
    ]
    assert any(about.strip()[:8] in (text or "").replace("'''", '"""') for text in found)


@pytest.mark.parametrize("text", [LOOPS, OUTPUTS, ONCE], ids=["loops", "outputs", "once"])
def test_odd_networks_are_the_reference(tmp_path: Path, torch: Worker, text: str) -> None:
    path = write(tmp_path, text)
    elaborated = open_spec(path).analysis.elaborated
    images = np.random.default_rng(1).standard_normal((2, *elaborated.network.input))
    wanted = run(elaborated, random_weights(elaborated, 5), images).outputs
    got = torch.run(path, images, weights=5, dtype="float64")
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert relative_error(one, other) < 1e-12


def test_names_and_the_order_of_branches_stay(tmp_path: Path) -> None:
    steps = """
stages:
  - {conv: {channels: 3, kernel: 3}, name: a}
  - {activation: {}, name: low}
  - {conv: {channels: 3, kernel: 3}, name: b}
  - {activation: {}, name: high}
  - {conv: {channels: 3, kernel: 3}, name: c}
  - add:
      - [{from: low}, {conv: {channels: 3, kernel: 1}, name: first}]
      - [{from: high}, {conv: {channels: 3, kernel: 1}, name: second}]
      - []
"""
    source = open_spec(write(tmp_path, steps)).source("torch")
    assert "low = self.low(x)" in source
    assert "high = self.high(x)" in source
    assert "return self.first(low) + self.second(high) + x" in source


def test_a_single_output_is_a_tensor_by_itself(tmp_path: Path) -> None:
    steps = "stages: [{conv: {channels: 3, kernel: 3}, name: a}]\noutputs: [a]\n"
    net = open_spec(write(tmp_path, steps))
    assert "def forward(self, x: Tensor) -> Tensor:" in net.source("torch")
    assert "return keras.Model(inputs, a, name=" in net.source("keras")
