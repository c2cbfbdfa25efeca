"""Small files of weights that unpack, expand, or lead round in circles: refused, and cheaply.

No file of 10 MB may take more than 500 MB beyond the network's own size, nor keep us busy.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import os
import signal
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.conversion import Converter
from rescompile.errors import SpecError
from rescompile.reference.weights import random_weights

SPEC = "resnet20_cifar"
KERNEL = (3, 3, 3, 16)  # of its first convolution, as Keras keeps it
MOST = 500 << 20
MIB = bytes(1 << 20)
LONG = 120  # seconds; a framework starts in ten, on a machine that has time

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Linux tells what memory a process had"
)


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made


@pytest.fixture(scope="module")
def refused(
    converter: Converter, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], str]:
    """Converts a file that must be refused, in time and within the bounds, and tells why."""
    folder = tmp_path_factory.mktemp("good")
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    np.savez(folder / "w.npz", **{".".join(k): a.astype("f4") for k, a in drawn.items()})

    def convert(file: Path) -> str:
        assert file.stat().st_size < 10 << 20
        suffix = "".join(file.suffixes)
        if not (folder / f"w{suffix}").exists():  # starts the process that reads such files
            converter.convert(folder / "w.npz", SPEC, folder / f"w{suffix}")
        converter.convert(folder / f"w{suffix}", SPEC, folder / "back.npz")
        readers = [os.getpid(), *(w.process.pid for w in converter.workers.values())]
        before = {pid: memory(pid, "VmRSS") for pid in readers}
        for pid in readers:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is now what it has
        with pytest.raises(SpecError) as caught, in_time():
            converter.convert(file, SPEC, folder / "out.npz")
        for pid in readers:
            assert memory(pid, "VmHWM") - before[pid] < MOST
        assert {found.code for found in caught.value.diagnostics} <= {
            "E302",
            "E303",
            "E305",
            "E306",
        }
        return str(caught.value)

    return convert


def memory(pid: int, key: str) -> int:
    """Bytes of memory that a process has (VmRSS), or had at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{key}:"))


class in_time:
    """Fails where what is done within takes too long."""

    def __enter__(self) -> None:
        def late(*_: object) -> None:
            raise TimeoutError

        self.before = signal.signal(signal.SIGALRM, late)
        signal.alarm(LONG)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.before)


def zeros(archive: zipfile.ZipFile, name: str, head: bytes, mebibytes: int) -> None:
    """A member that is small in the file, and large when it is unpacked."""
    with archive.open(name, "w", force_zip64=True) as member:
        member.write(head)
        for _ in range(mebibytes):
            member.write(MIB)


def header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    made = io.BytesIO()
    described = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(made, described)
    return made.getvalue()


# --- .npz


def test_an_npz_that_unpacks_to_much_more(refused: Callable[[Path], str], tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        zeros(archive, "conv1.weight.npy", header((600 << 18,)), 600)
    assert "when it is unpacked" in refused(file)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_npz_that_python_unpacks_without_a_limit(
    refused: Callable[[Path], str], packing: int, tmp_path: Path
) -> None:
    file = tmp_path / "w.npz"
    with zipfile.ZipFile(file, "w", packing) as archive:
        zeros(archive, "conv1.weight.npy", header((1 << 18,)), 1)
    assert "packed in a way that is not read here" in refused(file)


def test_an_npz_whose_header_unpacks_to_much_more(
    refused: Callable[[Path], str], tmp_path: Path
) -> None:
    head = b"\x93NUMPY\x02\x00" + (600 << 20).to_bytes(4, "little")
    file = tmp_path / "w.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        zeros(archive, "conv1.weight.npy", head, 600)
    refused(file)


def test_an_npz_of_very_many_arrays(refused: Callable[[Path], str], tmp_path: Path) -> None:
    file = tmp_path / "w.npz"
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(40_000):
            archive.writestr(str(i), b"")
    assert "lists more than" in refused(file)


def test_an_npz_of_long_doubles(refused: Callable[[Path], str], tmp_path: Path) -> None:
    if np.finfo(np.longdouble).bits == 64:
        pytest.skip("long doubles are doubles here")
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    np.savez(tmp_path / "w.npz", **{".".join(k): a.astype("g") for k, a in drawn.items()})
    said = refused(tmp_path / "w.npz")
    assert f"'conv1.weight' is of type {np.dtype('g').name}" in said
    assert "float16, float32 or float64" in said


# --- .pth

WRITE_PTH = """
import collections, sys, torch, zipfile
folder = sys.argv[1]

circle = collections.OrderedDict()
circle["state_dict"] = circle
torch.save(circle, f"{folder}/circle.pth")

one, other = {}, {}
one["model"], other["state_dict"] = other, one
torch.save(one, f"{folder}/circles.pth")

for dtype in (torch.float32, torch.bfloat16):
    view = torch.zeros(1, dtype=dtype).expand(32_000, 32_000)
    state = {"conv1.weight": view, **{f"{i}.weight": view for i in range(100)}}
    torch.save(state, f"{folder}/view-{str(dtype)[6:]}.pth")

# A program for the unpickler: a string is written in hexadecimals thirty times.
code = b"\\x80\\x02}X\\x01\\0\\0\\0a" + b"c_codecs\\nencode\\n" * 30 + b"X\\x08\\0\\0\\0aaaaaaaa"
code += b"X\\x06\\0\\0\\0latin1\\x86R" + b"X\\x03\\0\\0\\0hex\\x86R" * 29 + b"s."
made = f"{folder}/made"
with torch.serialization.skip_data():
    torch.save({"conv1.weight": torch.zeros(600 << 18)}, made)
with zipfile.ZipFile(made) as plain, zipfile.ZipFile(f"{folder}/hex.pth", "w") as archive:
    for member in plain.infolist():
        if member.filename.endswith(".pkl"):
            archive.writestr(member.filename, code)
        elif "/data/" not in member.filename:
            archive.writestr(member.filename, plain.read(member))
with zipfile.ZipFile(made) as plain, zipfile.ZipFile(
    f"{folder}/deflated.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=1
) as packed:
    for member in plain.infolist():
        with packed.open(member.filename, "w", force_zip64=True) as target:
            if "/data/" not in member.filename:
                target.write(plain.read(member))
            else:
                for _ in range(600):
                    target.write(bytes(1 << 20))
"""


@pytest.fixture(scope="module")
def pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of hostile files, written in a process of its own that may import PyTorch."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch writes its files")
    folder = tmp_path_factory.mktemp("pth")
    subprocess.run([sys.executable, "-c", WRITE_PTH, str(folder)], check=True)
    return folder


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("circle", "it holds itself"),
        ("circles", "it holds itself"),
        ("view-float32", "'conv1.weight' is 32000 x 32000"),
        ("view-bfloat16", "'conv1.weight' is 32000 x 32000"),
        ("hex", "more memory"),
        ("deflated", "when it is unpacked"),
    ],
)
def test_a_pth(refused: Callable[[Path], str], pth: Path, name: str, why: str) -> None:
    assert why in refused(pth / f"{name}.pth")


# --- .weights.h5 and .keras


@pytest.fixture
def h5(tmp_path: Path) -> Iterator[Any]:
    """A file of Keras weights, to be filled."""
    h5py = pytest.importorskip("h5py", reason="the keras backend reads its files by h5py")
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the keras backend runs on TensorFlow")
    with h5py.File(tmp_path / "w.weights.h5", "w") as opened:
        yield opened


def layer(h5: Any) -> Any:
    group = h5.create_group("layers/conv2d/vars")
    group.attrs["name"] = "conv1"
    return group


def closed(h5: Any) -> Path:
    path = Path(h5.filename)
    h5.close()
    return path


def test_groups_that_are_links_of_each_other(refused: Callable[[Path], str], h5: Any) -> None:
    groups = [h5.create_group(f"layers{i}") for i in range(12)]
    for outer, inner in itertools.pairwise(groups):
        for name in range(16):
            outer[str(name)] = inner
    assert "is another name of" in refused(closed(h5))


def test_data_that_grows_a_thousandfold(refused: Callable[[Path], str], h5: Any) -> None:
    layer(h5).create_dataset("0", (600 << 18,), "f4", chunks=(1 << 20,), compression="gzip")
    h5["layers/conv2d/vars/0"][:] = 0
    refused(closed(h5))


def test_a_chunk_much_larger_than_its_data(refused: Callable[[Path], str], h5: Any) -> None:
    layer(h5).create_dataset(
        "0", KERNEL, "f4", maxshape=(None, 3, 3, 16), chunks=(1 << 21, 3, 3, 16), compression=1
    )
    chunk = zlib.compress(bytes((1 << 21) * 3 * 3 * 16), 1)
    h5["layers/conv2d/vars/0"].id.write_direct_chunk((0, 0, 0, 0), chunk)
    assert "has chunks that are larger than it is" in refused(closed(h5))


def test_a_chunk_that_unpacks_to_more_than_it_says(refused: Callable[[Path], str], h5: Any) -> None:
    layer(h5).create_dataset("0", KERNEL, "f4", chunks=KERNEL, compression=1)
    packer = zlib.compressobj(9)
    chunk = b"".join([*(packer.compress(MIB) for _ in range(600)), packer.flush()])
    h5["layers/conv2d/vars/0"].id.write_direct_chunk((0, 0, 0, 0), chunk)
    assert "unpacks to more than it says" in refused(closed(h5))


def test_a_long_name_of_many_variables(refused: Callable[[Path], str], h5: Any) -> None:
    group = layer(h5)
    group.attrs["name"] = "x" * 60_000
    for i in range(9_000):
        group.create_dataset(str(i), data=np.zeros(1, "f4"))
    refused(closed(h5))


def test_a_keras_archive_that_unpacks_to_much_more(
    refused: Callable[[Path], str], h5: Any, tmp_path: Path
) -> None:
    file = tmp_path / "w.keras"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        zeros(archive, "model.weights.h5", closed(h5).read_bytes(), 600)
    assert "when it is unpacked" in refused(file)
