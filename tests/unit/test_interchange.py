"""Files of weights that belong to no framework."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.interchange import FORMATS
from rescompile.emit.guard import Bound, BrokenFile
from rescompile.emit.weights import Stored
from rescompile.reference.weights import random_weights

BOUND = Bound(1 << 20, 1000)


def read(file: Path) -> list[Stored]:
    """All of a file, read."""
    with FORMATS[file.suffix].read(file, BOUND) as found:
        return [Stored.of(one.name, one.kind, one.read(), one.dtype) for one in found]


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read(suffix: str, tmp_path: Path) -> None:
    given = {
        "b.weight": np.arange(24, dtype="f4").reshape(4, 3, 2).transpose(2, 0, 1),
        "a.bias": np.array([0.1, -0.0, np.nan], "f8"),
        "n.num_batches_tracked": np.array(3, "i8"),
    }
    file = tmp_path / f"w{suffix}"
    FORMATS[suffix].write(file, given)
    found = {tensor.name: tensor.read() for tensor in read(file)}
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}).encode()
    data = struct.pack("<4H", 0x3F80, 0xC000, 0x3DCD, 0x7F80)
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    (tensor,) = read(tmp_path / "w.safetensors")
    assert tensor.dtype == "bfloat16"
    assert tensor.type == "float32"
    assert tensor.read().tolist() == [[1.0, -2.0], [0.10009765625, float("inf")]]


def test_a_type_without_values_here_is_named(tmp_path: Path) -> None:
    header = b'{"w": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}'
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0")
    with pytest.raises(ValueError, match="'w' is of type F8_E4M3"):
        read(tmp_path / "w.safetensors")


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from rescompile.convert.interchange import FORMATS
from rescompile.files import replacing

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
file = Path(sys.argv[1])
with replacing(file) as beside:
    FORMATS[file.suffix].write(beside, {"w": np.zeros(1_000_000, "f4")})
"""


@pytest.mark.skipif(os.name != "posix", reason="the size of files is limited on POSIX alone")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_does_not_fit_is_told_and_removed(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / "folder" / f"w{suffix}"
    made = subprocess.run(
        [sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=False
    )
    assert "SpecError: error[E003]: cannot write" in made.stderr
    assert "File too large" in made.stderr
    assert not file.parent.exists()


def test_only_what_has_a_place_is_read(tmp_path: Path) -> None:
    """A damaged tensor is found when it is read, not before."""
    np.savez(tmp_path / "w.npz", a=np.zeros(9000), b=np.ones(9000))
    data = (tmp_path / "w.npz").read_bytes()
    (tmp_path / "w.npz").write_bytes(data.replace(np.ones(1).tobytes(), np.zeros(1).tobytes()))
    with FORMATS[".npz"].read(tmp_path / "w.npz", BOUND) as (a, b):
        assert a.read().tolist() == [0] * 9000
        with pytest.raises(BrokenFile, match="broken: Bad CRC-32"):
            b.read()


ALONE = """
import sys

for name in ("torch", "tensorflow", "keras", "jax"):
    sys.modules[name] = None  # importing it raises

from pathlib import Path
from rescompile.convert import convert

folder = Path(sys.argv[1])
convert(folder / "a.npz", "resnet20_cifar", folder / "b.safetensors")
convert(folder / "b.safetensors", "resnet20_cifar", folder / "c.npz")
"""


def test_no_framework_is_needed(tmp_path: Path) -> None:
    drawn = random_weights(open_spec("resnet20_cifar").analysis.elaborated, 5)
    given = {".".join(path): array for path, array in drawn.items()}
    np.savez(tmp_path / "a.npz", **given)
    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], check=True)
    with np.load(tmp_path / "c.npz") as back:
        assert all(np.array_equal(back[name], array) for name, array in given.items())
