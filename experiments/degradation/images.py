"""Images as files, train/CLASS/NAME.jpg and test/CLASS/NAME.jpg, in a folder or in tar files.

Tars are read where they are and never unpacked.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .errors import StudyError

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
SPLITS = ("train", "test")
CLASSES, SIDE = 10, 32
LARGEST = 1 << 20  # bytes of a file: an image of 32 x 32 has less than four thousand
Reader = Callable[[], bytes]


class Images:
    """The files of each split in order of their names, opened when they are wanted."""

    def __init__(self, files: dict[str, Reader]) -> None:
        self.files: dict[str, list[tuple[str, str, Reader]]] = {split: [] for split in SPLITS}
        for name in sorted(files):
            split, label = PurePosixPath(name).parts[-3:-1]
            self.files[split].append((label, name, files[name]))
        found = {split: sorted({label for label, *_ in self.files[split]}) for split in SPLITS}
        for split, classes in found.items():
            if len(classes) != CLASSES:
                what = f"{split} has images of {len(classes)} classes, and CIFAR-10 has {CLASSES}"
                raise StudyError(f"{what}: {', '.join(classes)}")
        self.classes = found["train"]
        if found["test"] != self.classes:
            differ = ", ".join(sorted({*found["test"]} ^ {*self.classes}))
            raise StudyError(f"train and test have images of different classes: {differ}")
        kinds = {SUFFIXES[PurePosixPath(name).suffix.lower()] for name in files}
        self.form = f"CIFAR-10 as {' and '.join(sorted(kinds))} files"

    def labels(self, split: str) -> Any:
        return np.array([self.classes.index(label) for label, *_ in self.files[split]])

    def images(self, split: str, order: Any) -> Any:
        return np.stack([decoded(*self.files[split][i][1:]) for i in order])


def find(place: Path) -> Images | None:
    """The image files at a place. Raises `StudyError` for what is no tar, or a hostile one."""
    if place.is_file():
        files = dict(_in_tar(place))
    elif (place / "train").is_dir():
        found = (path for split in SPLITS for path in place.glob(f"{split}/*/*"))
        files = {p.as_posix(): p.read_bytes for p in found if _is_image(p.name) and p.is_file()}
    else:
        files = {name: read for tar in sorted(place.glob("*.tar")) for name, read in _in_tar(tar)}
    return Images(files) if files else None


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _in_tar(path: Path) -> Iterator[tuple[str, Reader]]:
    try:
        with tarfile.open(path, "r:") as tar:  # not compressed: members lie in it as they are
            members = tar.getmembers()
    except (OSError, EOFError, tarfile.TarError) as error:
        raise StudyError(f"{path.as_posix()} is no tar file that can be read: {error}") from None
    for member in members:
        parts = PurePosixPath(member.name).parts
        if member.isdir() or not _is_image(member.name):
            continue
        if not member.isfile() or member.name.startswith("/") or ".." in parts:
            raise StudyError(f"{path.name} has an entry that is no plain file in it: {member.name}")
        if len(parts) < 3 or parts[-3] not in SPLITS:
            what = "is not train/CLASS/NAME or test/CLASS/NAME"
            raise StudyError(f"{path.name}: {member.name} {what}")
        yield member.name, partial(_member, path, member)


def _member(path: Path, member: tarfile.TarInfo) -> bytes:
    if member.size > LARGEST:
        raise StudyError(f"{path.name}: {member.name} has {member.size:,} bytes, too many")
    with path.open("rb") as file:
        file.seek(member.offset_data)
        return file.read(member.size)


def decoded(name: str, read: Reader) -> Any:
    """The image as bytes H x W x 3. Raises `StudyError`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(read())) as image:
            if image.size != (SIDE, SIDE):  # told by the header alone
                what = f"{image.size[0]} x {image.size[1]} pixels, and CIFAR-10's have {SIDE}"
                raise StudyError(f"{name} has {what} x {SIDE}")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise StudyError(f"{name} cannot be read as an image: {error}") from None
