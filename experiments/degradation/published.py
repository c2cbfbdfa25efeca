"""CIFAR-10 as published, in its version for Python: an archive, or the folder of it."""

from __future__ import annotations

import hashlib
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .errors import StudyError

ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE, FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"  # printed on the page of the data set
META = "batches.meta"
SPLITS = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    META: "5ff9c542aee3614f3951f8cda6e48888",
}
AGAIN = f"it is not as published; fetch {ADDRESS} again"


class Published:
    """The six files of images and the one of names, each as its checksum says."""

    form = "CIFAR-10 as published"

    def __init__(self, files: dict[str, bytes]) -> None:
        for name, wanted in MD5.items():
            if name not in files:
                raise StudyError(f"{FOLDER} has no {name}: {AGAIN}")
            _check(name, files[name], wanted)
        # Pickles could run anything, but these are the published ones: their checksums are right.
        loaded = {name: pickle.loads(files[name], encoding="bytes") for name in MD5}
        self.classes = [name.decode() for name in loaded[META][b"label_names"]]
        self.batches = {split: [loaded[name] for name in names] for split, names in SPLITS.items()}

    def labels(self, split: str) -> Any:
        return np.concatenate([np.int64(batch[b"labels"]) for batch in self.batches[split]])

    def images(self, split: str, order: Any) -> Any:
        found = np.concatenate([batch[b"data"] for batch in self.batches[split]])[order]
        return found.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def find(place: Path) -> Published | None:
    """The published data at a place, or in it. Raises `StudyError` where they are damaged."""
    for path in (place, place / FOLDER, place / ARCHIVE):
        if (path / META).is_file():
            return Published({p.name: p.read_bytes() for p in path.iterdir() if p.name in MD5})
        if path.is_file() and path.name.endswith((".tar.gz", ".tgz")):
            return Published(_unpacked(path))
    return None


def _unpacked(path: Path) -> dict[str, bytes]:
    _check(path.name, path.read_bytes(), ARCHIVE_MD5)
    try:
        with tarfile.open(path) as tar:
            found = {name: tar.extractfile(f"{FOLDER}/{name}") for name in MD5}
            return {name: file.read() for name, file in found.items() if file is not None}
    except (KeyError, OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise StudyError(f"{path.name} cannot be unpacked ({error}): {AGAIN}") from None


def _check(name: str, data: bytes, wanted: str) -> None:
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found != wanted:
        raise StudyError(f"the MD5 of {name} is {found}, and should be {wanted}: {AGAIN}")
