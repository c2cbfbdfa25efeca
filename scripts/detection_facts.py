"""Records what torchvision's detectors are and compute up to their raw maps, as timm_facts.py does.

    python scripts/detection_facts.py [NAME...]

writes tests/facts/detection.json, anew for these names, or for those that stand there. Maps are
computed in float64, since SSDLite's are others by some percent in float32, under these weights. It
needs torchvision, PyTorch and NumPy, and nothing of rescompile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from seeded import with_seeded_weights
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import detection

FACTS = Path(__file__).parents[1] / "tests/facts/detection.json"
CLASSES = 91
SHOWN = 8  # so many values of the pixel in the middle
# Pixels of the images whose costs are counted, and of those whose maps are recorded.
SIZES = {"ssd300_vgg16": (300, 300), "ssdlite320_mobilenet_v3_large": (320, 128)}
USUAL = (800, 128)


class Network(nn.Module):
    """A detector without what depends on boxes: from images to the maps of its heads."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.backbone = detector.backbone
        self.rpn = getattr(detector, "rpn", None)
        self.head = None if self.rpn else detector.head

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = [*self.backbone(images).values()]
        if self.rpn:
            parts = zip(("objectness", "bbox_pred"), self.rpn.head(features), strict=True)
            parts = (("features", features), *parts)  # which heads of regions see as well
            return {f"{part}.{i}": y for part, maps in parts for i, y in enumerate(maps)}
        found = self.head(features)
        channels = {"cls_logits": CLASSES, "bbox_regression": 4, "bbox_ctrness": 1}
        parts = {part: found[part] for part in channels if part in found}
        anchors = self.anchors(len(features))
        return {
            f"{part}.{i}": y
            for part, whole in parts.items()
            for i, y in enumerate(maps(whole, channels[part], features, anchors))
        }

    def anchors(self, levels: int) -> list[int]:
        """Boxes at each position, level by level: as the layers say that give four numbers each."""
        if hasattr(self.head.regression_head, "module_list"):
            ends = [[*part.modules()][-1] for part in self.head.regression_head.module_list]
            return [end.out_channels // 4 for end in ends]
        return [self.head.regression_head.bbox_reg.out_channels // 4] * levels


def maps(
    whole: Tensor, values: int, features: list[Tensor], anchors: list[int]
) -> Iterable[Tensor]:
    """The maps of which a head has put all boxes one after the other, N x boxes x values."""
    start = 0
    for feature, count in zip(features, anchors, strict=True):
        height, width = feature.shape[2:]
        part = whole[:, start : (start := start + height * width * count)]
        part = part.reshape(-1, height, width, count * values)
        yield part.permute(0, 3, 1, 2)
    assert start == whole.shape[1]


def facts(name: str) -> dict[str, Any]:
    """The state dict and the costs of a network, and its maps under seeded weights."""
    build = getattr(detection, name)
    model = Network(build(weights=None, weights_backbone=None, num_classes=CLASSES)).eval()
    whole = {*build(weights=None, weights_backbone=None).state_dict()}
    size, small = SIZES.get(name, USUAL)
    shapes = with_seeded_weights(model)
    images = np.random.default_rng(0).standard_normal((2, 3, small, small)).astype(np.float32)
    with torch.no_grad():
        made = model.double()(torch.from_numpy(images).double())
    outputs = {key: y.numpy() for key, y in made.items()}
    with FlopCounterMode(display=False) as counter:
        model.float().to("meta")(torch.empty(1, 3, size, size, device="meta"))
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": counter.get_total_flops() // 2,
        "left": sorted(whole.difference(model.state_dict())),
        "state_dict": shapes,
        "outputs": {
            key: {
                "shape": [*y.shape[1:]],
                "norm": [float(f"{np.linalg.norm(one):.7g}") for one in y],
                "pixel": [[float(f"{v:.7g}") for v in middle(one)] for one in y],
            }
            for key, y in outputs.items()
        },
    }


def middle(one: np.ndarray) -> np.ndarray:
    """The first values of the pixel in the middle of a map C x H x W."""
    return one[:SHOWN, one.shape[1] // 2, one.shape[2] // 2]


def main(names: list[str]) -> None:
    known = json.loads(FACTS.read_text("utf-8")) if FACTS.is_file() else {}
    for name in names or sorted(known):
        known[name] = facts(name)
        lines = [f" {json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
        FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
