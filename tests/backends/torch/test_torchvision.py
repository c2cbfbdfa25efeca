"""torchvision's own models, where it is installed: their state dicts fit, and logits are theirs.

tests/facts has what torchvision gave for some of them once; this asks torchvision itself, for each
of its convolutional classifiers, in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FACTS = ROOT / "tests/facts/torchvision_parameters.json"
NAMES = sorted(json.loads(FACTS.read_text("utf-8"))["parameters"])
SPECS = {name: name for name in NAMES}
SPECS |= {f"resnet{depth}": f"resnet{depth}_v1_5" for depth in (50, 101, 152)}
AUXILIARY = {"googlenet": "googlenet_aux", "inception_v3": "inception_v3_aux"}
LOGITS = 1e-4
# Beside the usual one: with grids before the classifier that do not divide the map, or exceed it.
SIZES = (64, 256, 300)
ADAPTIVE = [name for name in NAMES if name == "alexnet" or name.startswith("vgg")]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed"
    ),
]

PROGRAM = """
import importlib, sys, torch, torchvision
theirs, ours, auxiliary, size = *sys.argv[1:3], sys.argv[3] == "True", int(sys.argv[4])
options = {}
if theirs in ("googlenet", "inception_v3"):
    options = {"aux_logits": auxiliary, "init_weights": False}
torch.manual_seed(0)
wanted = getattr(torchvision.models, theirs)(**options).eval()
for module in wanted.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.normal_(std=0.1)
        module.running_var.uniform_(0.5, 1.5)
model = getattr(importlib.import_module(f"generated.torch.{ours}"), ours)().eval()
model.load_state_dict(wanted.state_dict(), strict=True)
x = torch.randn(1, 3, size, size)
with torch.no_grad():
    logits, got = wanted(x), model(x)
got = got[0] if auxiliary else got
print(((got - logits).norm() / logits.norm()).item())
"""


def deviation(theirs: str, ours: str, auxiliary: bool = False, size: int = 0) -> float:
    size = size or (299 if theirs == "inception_v3" else 224)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, theirs, ours, str(auxiliary), str(size)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_dict_fits_and_gives_the_same_logits(name: str) -> None:
    assert deviation(name, SPECS[name]) < LOGITS


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ADAPTIVE)
def test_images_of_other_sizes_give_the_same_logits(name: str, size: int) -> None:
    assert deviation(name, SPECS[name], size=size) < LOGITS


@pytest.mark.parametrize("name", sorted(AUXILIARY))
def test_auxiliary_heads_have_their_weights_too(name: str) -> None:
    assert deviation(name, AUXILIARY[name], auxiliary=True) < LOGITS
