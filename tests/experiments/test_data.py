"""CIFAR-10 is read from each of its forms, and what is wrong with them is said."""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.degradation import data, published
from experiments.degradation.errors import StudyError
from experiments.degradation.recipe import SCALES, Scale

from .conftest import NAMES, Image, Images, encoded, files, tar

TRIAL = SCALES["trial"]
WHOLE = Scale("whole", 32, 200, 100, 1, every=1, measured=1)


def batch(pixels: Images, split: str, part: slice) -> bytes:
    """A file as published: rows of all red, all green, all blue values."""
    rows = [(pixels[split, name][part], i) for i, name in enumerate(NAMES)]
    labels = [i for images, i in rows for _ in images]
    values = np.concatenate([images for images, _ in rows]).transpose(0, 3, 1, 2)
    return pickle.dumps({b"data": values.reshape(len(labels), -1), b"labels": labels})


@pytest.fixture
def archive(pixels: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of the published form, with the checksums of what is in it."""
    inside = {
        f"data_batch_{i + 1}": batch(pixels, "train", slice(4 * i, 4 * i + 4)) for i in range(5)
    }
    inside["test_batch"] = batch(pixels, "test", slice(None))
    inside["batches.meta"] = pickle.dumps({b"label_names": [name.encode() for name in NAMES]})
    path = tmp_path / published.ARCHIVE
    with tarfile.open(path, "w:gz") as made:
        for name, content in inside.items():
            member = tarfile.TarInfo(f"{published.FOLDER}/{name}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
            monkeypatch.setitem(published.MD5, name, md5(content))
    monkeypatch.setattr(published, "ARCHIVE_MD5", md5(path.read_bytes()))
    return path


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def same(a: data.Split, b: data.Split) -> bool:
    return bool((a.images == b.images).all() and (a.labels == b.labels).all())


def refused(place: Path, scale: Scale = TRIAL) -> str:
    with pytest.raises(StudyError) as caught:
        data.read(place, scale)
    return caught.value.message


def test_the_checksums_are_those_that_were_published() -> None:
    """As torchvision's datasets/cifar.py has them, and the page of the data set."""
    assert published.ARCHIVE_MD5 == "c58f30108f718f92721af3b95e74349a"
    assert published.MD5["test_batch"] == "40351d587109b95175f43aff81a1287e"
    assert len(published.MD5) == 7


def test_all_forms_hold_the_same_images(
    archive: Path, folder: Path, pixels: Images, tmp_path: Path
) -> None:
    tarfile.open(archive).extractall(tmp_path / "unpacked", filter="data")  # noqa: SIM115
    one = tar(tmp_path / "all.tar", list(files(pixels)))
    (tmp_path / "several").mkdir()
    for split in ("train", "test"):
        entries = [(f"cifar/{name}", d) for name, d in files(pixels) if name.startswith(split)]
        tar(tmp_path / "several" / f"{split}.tar", entries)
    wanted = data.read(archive, WHOLE)
    unpacked = tmp_path / "unpacked"
    for place in (tmp_path, unpacked, unpacked / published.FOLDER):
        found = data.read(place, WHOLE)
        assert found.form == "CIFAR-10 as published"
        assert found.digest == wanted.digest
    for place in (folder, one, tmp_path / "several"):
        found = data.read(place, WHOLE)
        assert found.form == "CIFAR-10 as PNG files"
        assert same(found.training, wanted.training)
        assert same(found.test, wanted.test)
        assert found.digest == wanted.digest
    first = wanted.training.images[10]  # classes in turn: the second airplane
    assert (first == pixels["train", "airplane"][1]).all()
    assert list(wanted.training.labels[:12]) == [*range(10), 0, 1]


def test_smaller_images_are_means_of_squares(folder: Path) -> None:
    whole, small = data.read(folder, WHOLE), data.read(folder, TRIAL)
    assert small.training.images.shape == (200, 8, 8, 3)
    for i in (0, 57):
        image = Image.fromarray(whole.training.images[i]).resize((8, 8), Image.Resampling.BOX)
        assert np.abs(np.int64(image) - small.training.images[i]).max() <= 1  # Pillow rounds twice
    assert small.digest != whole.digest


def test_what_is_absent_can_be_fetched(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        said = refused(place)
        assert published.ADDRESS in said
        assert "--data" in said


def test_a_wrong_checksum_is_refused(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[:-100])
    assert "the MD5 of cifar-10-python.tar.gz is" in refused(archive)
    archive.write_bytes(content)
    tarfile.open(archive).extractall(tmp_path / "unpacked", filter="data")  # noqa: SIM115
    archive.unlink()
    file = tmp_path / "unpacked" / published.FOLDER / "data_batch_3"
    file.write_bytes(file.read_bytes()[:-1] + b"x")  # never unpickled
    assert "the MD5 of data_batch_3 is" in refused(tmp_path / "unpacked")
    file.unlink()
    assert "has no data_batch_3" in refused(tmp_path / "unpacked")


def test_a_truncated_archive_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.write_bytes(archive.read_bytes()[:5000])
    monkeypatch.setattr(published, "ARCHIVE_MD5", md5(archive.read_bytes()))
    assert "cannot be unpacked" in refused(archive)


@pytest.mark.parametrize(
    "name", ["../train/cat/x.png", "/train/cat/x.png", "train/cat/../../../x/cat/x.png"]
)
def test_a_tar_may_not_leave_its_place(name: str, pixels: Images, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = tar(inside / "all.tar", [*files(pixels), (name, b"")])
    assert "no plain file in it" in refused(path)
    assert list(tmp_path.iterdir()) == [inside]


def test_hostile_and_damaged_tars_are_refused(pixels: Images, tmp_path: Path) -> None:
    path = tar(tmp_path / "all.tar", list(files(pixels)))
    with tarfile.open(path, "a") as made:
        member = tarfile.TarInfo("train/cat/link.png")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(member)
    assert "no plain file in it: train/cat/link.png" in refused(path)
    assert "is not train/CLASS/NAME" in refused(tar(path, [("cat/x.png", b"")]))
    big = [*files(pixels), ("train/cat/0000.png", bytes(2 << 20))]
    assert "has 2,097,152 bytes" in refused(tar(path, big))
    path.write_bytes(b"no tar")
    assert "no tar file that can be read" in refused(path)
    tar(path, list(files(pixels)))
    for left in (100_000, 100_352):  # inside of a file, and at the end of one
        path.write_bytes(path.read_bytes()[:left])
        assert "no tar file that can be read: unexpected end of data" in refused(path)


def changed(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "changed"))


def test_other_classes_are_refused(folder: Path, tmp_path: Path) -> None:
    place = changed(folder, tmp_path)
    (place / "test/cat").rename(place / "test/lynx")
    assert "different classes: cat, lynx" in refused(place)
    shutil.rmtree(place / "test/lynx")
    assert "test has images of 9 classes, and CIFAR-10 has 10" in refused(place)


def corrupt(content: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).save(file, "JPEG")
    return file.getvalue()[:400]


@pytest.mark.parametrize("make", [corrupt, lambda _: b"no image", lambda _: b""])
def test_a_corrupt_image_is_refused(make: Any, folder: Path, tmp_path: Path) -> None:
    place = changed(folder, tmp_path)
    old = place / "train/dog/0003.png"
    old.rename(old.with_suffix(".jpg"))
    old.with_suffix(".jpg").write_bytes(make(old.with_suffix(".jpg").read_bytes()))
    said = refused(place)
    assert "train/dog/0003.jpg cannot be read as an image" in said


def test_other_sizes_and_too_few_are_refused(folder: Path, tmp_path: Path) -> None:
    place = changed(folder, tmp_path)
    file = place / "train/dog/0003.png"
    file.write_bytes(encoded(np.zeros((32, 31, 3), np.uint8)))
    assert "0003.png has 31 x 32 pixels, and CIFAR-10's have 32 x 32" in refused(place)
    file.unlink()
    said = "20 train images of each class are needed, and of dog there are 19"
    assert said in refused(place)
    assert "500 train images of each class" in refused(place, SCALES["small"])


def test_other_files_are_left_alone(folder: Path, tmp_path: Path) -> None:
    place = changed(folder, tmp_path)
    (place / "train/cat/.hidden.png").write_bytes(b"")
    (place / "train/cat/notes.txt").write_bytes(b"")
    assert data.read(place, TRIAL).digest == data.read(folder, TRIAL).digest
