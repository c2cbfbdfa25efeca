"""timm, where it is installed: its feature_info is the recorded one, and its maps are ours.

Specs that have names of timm's take its state dicts, strictly, and give its logits.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FACTS = json.loads((ROOT / "tests/facts/timm_features.json").read_text("utf-8"))
NAMED = json.loads((ROOT / "tests/facts/timm.json").read_text("utf-8"))
# Whose weights have the same names there, and so can be given to both.
ALIKE = ["resnet18", "resnet50_v1_5", "wide_resnet50_2", "vgg11", "vgg16_bn", "densenet121"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed"),
]

INFO = """
import json, sys, timm, torch
made = {}
for name in json.load(sys.stdin):
    with torch.device("meta"):
        info = timm.create_model(name).feature_info
    made[name] = [
        [one["reduction"], one["num_chs"], one["module"]] for one in getattr(info, "info", info)
    ]
print(json.dumps(made))
"""
MAPS = """
import sys, timm, torch, rescompile
ours, theirs = sys.argv[1:]
torch.manual_seed(0)
whole = timm.create_model(theirs).eval()
for module in whole.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.normal_(std=0.1)
        module.running_var.uniform_(0.5, 1.5)
wanted = timm.create_model(theirs, features_only=True, out_indices=range(len(whole.feature_info)))
weights = whole.state_dict()
names = {name.replace(".", "_"): name for name in weights}  # timm flattens sequences
wanted.load_state_dict({key: weights[names[key.replace(".", "_")]] for key in wanted.state_dict()})
model = rescompile.load(ours, features=True).module().eval()
left = model.load_state_dict(weights, strict=False)
assert not left.missing_keys, left
x = torch.randn(1, 3, 224, 224)
with torch.no_grad():
    got, maps = model(x), [one for one in wanted.eval()(x) if one.shape[2] < 224]
assert len(got) == len(maps)
print(max(((a - b).norm() / b.norm()).item() for a, b in zip(got, maps)))
"""
LOGITS = """
import importlib, sys, timm, torch
name, size = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
wanted = timm.create_model(name, pretrained=False).eval()
for module in wanted.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.weight.data.uniform_(0.5, 1.5)
        module.running_mean.normal_(std=0.1)
        module.running_var.uniform_(0.5, 1.5)
model = getattr(importlib.import_module(f"generated.torch.{name}"), name)().eval()
model.load_state_dict(wanted.state_dict(), strict=True)
x = torch.randn(1, 3, size, size)
with torch.no_grad():
    logits, got = wanted(x), model(x)
print(((got - logits).norm() / logits.norm()).item())
"""


def run(program: str, *words: str, given: str = "") -> str:
    command = [sys.executable, "-W", "ignore", "-c", program, *words]
    done = subprocess.run(
        command, cwd=ROOT, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_feature_info_is_the_recorded_one() -> None:
    wanted = {fact["timm"]: fact["features"] for fact in FACTS.values()}
    assert json.loads(run(INFO, given=json.dumps(list(wanted)))) == wanted


@pytest.mark.parametrize("spec", ALIKE)
def test_maps_are_timms(spec: str) -> None:
    assert float(run(MAPS, spec, FACTS[spec]["timm"])) < 1e-4


@pytest.mark.parametrize("name", NAMED)
def test_a_state_dict_fits_and_gives_the_same_logits(name: str) -> None:
    assert float(run(LOGITS, name, str(NAMED[name]["input"][1]))) < 1e-4
