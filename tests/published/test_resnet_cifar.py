"""Published weights, converted and loaded as a user would, give what their authors' model gives.

CIFAR-10 ResNet-20 and ResNet-56 of akamaster/pytorch_resnet_cifar10 (BSD 2-Clause), and the logits
of its own model on JPEG copies of the test images, which get 8,103 and 8,320 of 10,000 right. The
weights and images are no part of this repository: RESCOMPILE_REFERENCE names the folder that holds
`resnet-cifar/`, beside which `data/cifar10/` stands.
"""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import tarfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert import convert
from rescompile.reference.deviation import relative_error

ROOT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("RESCOMPILE_REFERENCE") or ROOT.parent / "shared" / "reference")
PUBLISHED = {
    "resnet20": ("resnet20-12fca82f.th", 8103),
    "resnet56": ("resnet56-4bfd9763.th", 8320),
}
FEW = 500

LOAD = """
import sys; import numpy as np; folder, name = sys.argv[1:]; sys.path.insert(0, folder)
make = getattr(__import__(name), name); images = np.load(f"{folder}/images.npy")
from prepare import preprocess
"""
SAVE = "np.save(f'{folder}/logits.npy', np.concatenate(logits))"
# What the user of an emitted file writes: suffix of the weights, and the lines.
USERS = {
    "torch": (
        ".pth",
        """
import torch
model = make().eval()
model.load_state_dict(torch.load(f"{folder}/weights.pth", weights_only=True))
with torch.no_grad():
    parts = torch.from_numpy(images).permute(0, 3, 1, 2).chunk(20)
    logits = [model(preprocess(part)).numpy() for part in parts]
""",
    ),
    "keras": (
        ".weights.h5",
        """
model = make()
model.load_weights(f"{folder}/weights.weights.h5")
logits = [model.predict(preprocess(images), verbose=0)]
""",
    ),
    "flax": (
        ".msgpack",
        """
from pathlib import Path
from flax import nnx
from flax.serialization import msgpack_restore
model = make(rngs=nnx.Rngs(0))
nnx.update(model, msgpack_restore(Path(f"{folder}/weights.msgpack").read_bytes()))
model.eval()
answer = nnx.jit(lambda model, part: model(preprocess(part)))
logits = [answer(model, part) for part in np.split(images, 20)]
""",
    ),
    "onnx": (
        ".onnx",
        """
from onnxruntime import InferenceSession
session = InferenceSession(f"{folder}/weights.onnx")
(entry,) = session.get_inputs()
logits = [session.run(None, {entry.name: preprocess(images.transpose(0, 3, 1, 2))})[0]]
""",
    ),
}


@cache
def images(step: int) -> Any:
    """Every `step`-th test image in the order of sorted names, N x 32 x 32 x 3."""
    image = pytest.importorskip("PIL.Image", reason="Pillow reads the images")
    archive = REFERENCE.parent / "data" / "cifar10" / "cifar10-jpeg-test.tar"
    if not archive.is_file():
        pytest.skip(f"no test images: {archive.name} is not there; set RESCOMPILE_REFERENCE")
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".jpg"))
        files = (tar.extractfile(name) for name in names[::step])
        return np.stack([np.asarray(image.open(io.BytesIO(f.read()))) for f in files if f])


def logits(network: str, backend: str, folder: Path, step: int) -> Any:
    """What an emitted model answers to every `step`-th image, with converted weights."""
    weights = REFERENCE / "resnet-cifar" / PUBLISHED[network][0]
    if not weights.is_file():
        pytest.skip(f"no published weights: {weights.name} is not there; set RESCOMPILE_REFERENCE")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    spec, (suffix, lines) = f"{network}_cifar", USERS[backend]
    convert(weights, spec, folder / f"weights{suffix}", backend, [("module.", "")])
    net = open_spec(spec)
    (folder / f"{spec}.py").write_text(net.source(backend), "utf-8")
    (folder / "prepare.py").write_text(net.preprocessing(backend), "utf-8")
    np.save(folder / "images.npy", images(step))
    script = LOAD + lines + SAVE
    subprocess.run([sys.executable, "-c", script, str(folder), spec], check=True)
    return np.load(folder / "logits.npy")


def check(network: str, backend: str, folder: Path, step: int) -> Any:
    got = logits(network, backend, folder, step)
    with np.load(REFERENCE / "resnet-cifar" / f"{network}-test-logits.npz") as fact:
        wanted, labels = fact["logits"][::step], fact["label"][::step]
    assert relative_error(got, wanted) < 1e-4
    assert (got.argmax(axis=1) == wanted.argmax(axis=1)).all()
    return (got.argmax(axis=1) == labels).sum()


@pytest.mark.parametrize("network", PUBLISHED)
def test_a_spec_lists_this_file(network: str) -> None:
    file = REFERENCE / "resnet-cifar" / PUBLISHED[network][0]
    if not file.is_file():
        pytest.skip(f"no published weights: {file.name} is not there; set RESCOMPILE_REFERENCE")
    (entry,) = open_spec(f"{network}_cifar").weights
    assert entry.filename == file.name
    assert entry.sha256 == sha256(file.read_bytes()).hexdigest()
    assert entry.mib == round(file.stat().st_size / 2**20, 3)


@pytest.mark.parametrize("backend", USERS)
@pytest.mark.parametrize("network", PUBLISHED)
def test_converted_weights_give_the_authors_logits(
    network: str, backend: str, tmp_path: Path
) -> None:
    check(network, backend, tmp_path, 10_000 // FEW)


@pytest.mark.slow
@pytest.mark.parametrize("backend", USERS)
@pytest.mark.parametrize("network", PUBLISHED)
def test_converted_weights_classify_as_well_as_their_authors_do(
    network: str, backend: str, tmp_path: Path
) -> None:
    assert check(network, backend, tmp_path, 1) == PUBLISHED[network][1]
