"""Files of Keras weights: what is in them, and what hostile ones may not do."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.conversion import Converter
from rescompile.emit.guard import Bound
from rescompile.emit.weights import Stored
from rescompile.reference.weights import random_weights

h5py = pytest.importorskip("h5py", reason="the keras backend reads its files by h5py")
pytest.importorskip("rescompile_keras", reason="the keras backend is not installed")
from rescompile_keras import files  # noqa: E402

BOUND = Bound(1 << 20, 10_000)


def read(path: Path) -> list[Stored]:
    """All of a file, read."""
    with files.read(path, BOUND) as found:
        return [Stored.of(one.name, one.kind, one.read(), one.dtype) for one in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.weights.h5"


def variable(opened: object, place: str, array: object, name: str = "") -> None:
    group = opened.require_group(place)  # type: ignore[attr-defined]
    if name:
        group.attrs["name"] = name
    group.create_dataset(str(len(group)), data=array)


def test_layers_come_in_the_order_of_their_numbers(path: Path) -> None:
    with h5py.File(path, "w") as opened:
        for number in ("_10", "_2", ""):
            variable(opened, f"layers/conv2d{number}/vars", np.zeros(1))
        variable(opened, "layers/conv2d/vars", np.zeros(1))
    assert [tensor.name for tensor in read(path)] == [
        "conv2d/kernel",
        "conv2d/bias",
        "conv2d_2/kernel",
        "conv2d_10/kernel",
    ]


def test_the_layers_own_names_are_used(path: Path) -> None:
    with h5py.File(path, "w") as opened:
        for _ in range(4):
            variable(opened, "layers/batch_normalization/vars", np.zeros(1), "stem_bn")
    found = read(path)
    assert [tensor.name for tensor in found][2:] == [
        "stem_bn/moving_mean",
        "stem_bn/moving_variance",
    ]
    assert found[0].kind == "batch_normalization/gamma"


def test_the_state_of_training_is_left_out(path: Path) -> None:
    with h5py.File(path, "w") as opened:
        variable(opened, "optimizer/vars", np.zeros(1))
        variable(opened, "layers/dropout/seed_generator/vars", np.zeros(2, "u4"))
        variable(opened, "layers/dense/vars", np.ones((2, 2)))
    assert [tensor.name for tensor in read(path)] == ["dense/kernel"]


def test_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as opened:
        variable(opened, "vars", np.zeros(1))
    for link in (h5py.ExternalLink("secret.h5", "/vars"), h5py.SoftLink("/layers")):
        with h5py.File(path, "w") as opened:
            opened.require_group("layers")["dense"] = link
        with pytest.raises(ValueError, match="link to another place"):
            read(path)


def test_data_outside_of_the_file_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(8))
    with h5py.File(path, "w") as opened:
        group = opened.require_group("layers/dense/vars")
        group.create_dataset("0", (2,), "f4", external=[(str(tmp_path / "raw"), 0, 8)])
    with pytest.raises(ValueError, match="not in the file"):
        read(path)


def test_a_shape_without_data_is_refused(path: Path) -> None:
    with h5py.File(path, "w") as opened:
        group = opened.require_group("layers/dense/vars")
        group.create_dataset("0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
    with pytest.raises(ValueError, match="declares 4,398,046,511,104 bytes"):
        read(path)


def test_a_circle_of_groups_ends(path: Path) -> None:
    with h5py.File(path, "w") as opened:
        group = opened.require_group("layers")
        group["again"] = group
    with pytest.raises(ValueError, match="'layers/again' is another name of 'layers'"):
        read(path)


def test_an_archive_without_weights_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match="broken"):
        read(tmp_path / "a.keras")


def test_bfloat16_is_widened(path: Path) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    with h5py.File(path, "w") as opened:
        variable(opened, "layers/dense/vars", np.array([[1.5, -2.0]], bfloat16))
        opened["layers/dense/vars/0"].attrs["dtype"] = "bfloat16"  # as Keras marks it
    (tensor,) = read(path)
    assert tensor.dtype == "bfloat16"
    assert tensor.type == "float32"
    assert tensor.read().tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize("spec", ["resnet20_cifar", "preact_resnet18", "googlenet"])
def test_a_file_without_names_is_matched_in_the_order_of_the_layers(
    spec: str, tmp_path: Path
) -> None:
    """Older releases of Keras 3 write no names; all of them number the layers of a class."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the keras backend writes its files by Keras, on TensorFlow")
    drawn = random_weights(open_spec(spec).analysis.elaborated, 1)
    given = {".".join(path): array.astype("f4") for path, array in drawn.items()}
    np.savez(tmp_path / "given.npz", **given)
    with Converter() as converter:
        converter.convert(tmp_path / "given.npz", spec, tmp_path / "a.weights.h5")
        with h5py.File(tmp_path / "a.weights.h5", "a") as opened:
            opened.visititems(lambda _, group: group.attrs.pop("name", None) and None)
        made = converter.convert(tmp_path / "a.weights.h5", spec, tmp_path / "back.npz")
    assert ("conv2d/kernel", "conv1/kernel") in made.by_order or spec == "googlenet"
    with np.load(tmp_path / "back.npz") as back:
        assert all(np.array_equal(back[name], array) for name, array in given.items())
