"""Records what others' networks for clips and sequences are and compute, for the specs of them.

    python scripts/axes_facts.py FOLDER

writes tests/facts/axes.json. It needs torchvision, timm and NumPy; FOLDER has resnet.py of
github.com/antonior92/ecg-age-prediction (f192e49), and wavenet_model.py and wavenet_modules.py of
github.com/vincentherrmann/pytorch-wavenet (26ba289). Tensors are renamed as the specs call them,
and drawn by the rule that rescompile/reference/weights.py tells.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from seeded import COUNTER, seeded
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import video

FACTS = Path(__file__).parents[1] / "tests/facts/axes.json"
SHOWN = 8  # outputs that are recorded of each input


def ecg_name(key: str) -> str:
    """The norm at a block's end is that before the branch of the next one."""
    key = re.sub(r"resblock1d_0\.skip.*", "", key)
    key = re.sub(r"^resblock1d_0\.conv1", "conv2", key)
    key = re.sub(r"^resblock1d_0\.bn1", "bn2", key)
    key = re.sub(r"^resblock1d_0\.conv2", "conv3", key)
    key = re.sub(r"^resblock1d_4\.bn2", "bn4", key)
    key = re.sub(r"^resblock1d_(\d)\.bn2", lambda m: f"layer{int(m[1]) + 1}.bn0", key)
    return re.sub(r"^resblock1d_(\d)\.skip_connection", r"layer\1.skip", key).replace(
        "resblock1d_", "layer"
    )


def facts(model: Any, x: Any, name: Any = str, given: Any = None) -> dict[str, Any]:
    """The state dict, the costs and some outputs of a model under seeded weights."""
    model.eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith(COUNTER)}
    if given is None:
        given = {key: seeded(name(key), tuple(v.shape)) for key, v in state.items()}
    model.load_state_dict(given, strict=False)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        out = model(torch.from_numpy(x)).numpy()
    return {
        "input": list(x.shape),
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": counter.get_total_flops() // 2 // len(x),
        "state_dict": {name(key): list(v.shape) for key, v in state.items()},
        "outputs": out.reshape(len(out), -1)[:, -SHOWN:].tolist(),
        "norms": np.linalg.norm(out.reshape(len(out), -1), axis=1).tolist(),
    }


def wavenet(folder: ModuleType, x: Any) -> dict[str, Any]:
    """The last outputs, which see no padding; two convolutions of a layer are drawn as one."""
    model = folder.WaveNetModel(output_length=2)
    given, count = {}, model.layers
    for i in range(len(model.residual_convs)):
        path = f"stack{i // count + 1}.{i % count}"
        both = seeded(f"{path}.out.weight", (288, 32, 1))
        given |= {f"residual_convs.{i}.weight": both[:32], f"skip_convs.{i}.weight": both[32:]}
        for kind in ("filter", "gate"):
            given[f"{kind}_convs.{i}.weight"] = seeded(f"{path}.{kind}.0.weight", (32, 32, 2))
    given["start_conv.weight"] = seeded("start.weight", (32, 256, 1))
    for i in (1, 2):
        given[f"end_conv_{i}.weight"] = seeded(f"end{i}.weight", (256, 256, 1))
        given[f"end_conv_{i}.bias"] = seeded(f"end{i}.bias", (256,))
    made = facts(model, x, given=given)
    return {key: made[key] for key in ("input", "parameters", "outputs")}


def padded(x: Any, size: int, dimension: int, pad_start: bool) -> Any:
    """As its own function, which new versions of PyTorch do not run: zeros before, to a size."""
    assert (dimension, pad_start) == (2, True)
    return torch.nn.functional.pad(x, (size - x.shape[2], 0))


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    sys.modules["audio_data"] = ModuleType("audio_data")  # which reads files, and is not needed
    import resnet
    import wavenet_model
    import wavenet_modules

    wavenet_modules.constant_pad_1d = padded
    rng = np.random.default_rng(0)
    clip, ecg, wave = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((2, 3, 8, 48, 56), (2, 12, 4096), (1, 256, 4200))
    )
    names = ("r3d_18", "mc3_18", "r2plus1d_18")
    found = {name: facts(getattr(video, name)(), clip) for name in names}
    blocks = list(zip((64, 128, 196, 256, 320), (4096, 1024, 256, 64, 16), strict=True))
    found["ecg_resnet"] = facts(resnet.ResNet1d((12, 4096), blocks, 1), ecg, ecg_name)
    found["wavenet"] = wavenet(wavenet_model, wave)
    FACTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
