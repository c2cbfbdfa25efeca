"""Made-up data of CIFAR-10's form: noise, twenty training and ten test images of each class."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
COUNTS = {"train": 20, "test": 10}
Images = dict[tuple[str, str], Any]  # of a split and class: N x 32 x 32 x 3 bytes


@pytest.fixture(scope="session")
def pixels() -> Images:
    rng = np.random.default_rng(0)
    return {
        (split, name): rng.integers(256, size=(count, 32, 32, 3)).astype(np.uint8)
        for split, count in COUNTS.items()
        for name in NAMES
    }


def encoded(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def files(pixels: Images) -> Iterator[tuple[str, bytes]]:
    for (split, name), images in pixels.items():
        for i, image in enumerate(images):
            yield f"{split}/{name}/{i:04}.png", encoded(image)


def tar(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(scope="session")
def folder(pixels: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data as files by class."""
    place = tmp_path_factory.mktemp("images")
    for name, data in files(pixels):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place
