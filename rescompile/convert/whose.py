"""Whose a file of weights is known to be, and whether that network computes what is asked for.

Names and shapes do not tell: `plain20_cifar` has those of `resnet20_cifar`, and a stride may be on
another convolution. The hash of a published file does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..api import Architecture, open_spec
from ..download.fetching import sha256
from ..errors import RescompileError
from ..language.load import zoo

HASH = re.compile(r"(?:-|sha256: ?[\"']?)([0-9a-f]{8,64})(?![0-9a-f])")
PUBLISHED = (".pth", ".pt", ".th", ".safetensors")  # as those write who publish weights


def doubt(file: Path, net: Architecture, changes: Sequence[str], whole: bool) -> str:
    """A warning where a file's weights are for a network that computes otherwise, or nothing.

    `whole` says that names and shapes were those of the file, all of them. Where some were not, the
    network is meant to be another, and is compared only if it is a shipped one with `changes`.
    """
    if not file.name.endswith(PUBLISHED):
        return ""
    whose = list(owners(file))
    if any(_equal(name, net, changes) for name, _ in whose):
        return ""
    note, path = net.request.summary.note, net.document.path
    shipped = zoo().get(path.stem) == path.resolve()
    if note or not whose or not (whole or shipped):
        return note
    name, entry = whose[0]
    return (
        f"these weights are {name}:{entry}, and {net.name} computes otherwise: "
        f"see `rescompile diff {name} {path.stem if shipped else path.as_posix()}`"
    )


def owners(file: Path) -> Iterator[tuple[str, str]]:
    """The shipped networks that list a file, each with its entry."""
    digits = ""
    for name, path in zoo().items():
        hashes = HASH.findall(path.read_text("utf-8"))
        if not hashes:
            continue
        digits = digits or sha256(file)
        if any(digits.startswith(found) for found in hashes):
            for entry in open_spec(name).weights:
                if digits.startswith(entry.sha256):
                    yield name, entry.name


def _equal(name: str, net: Architecture, changes: Sequence[str]) -> bool:
    """Whether the network computes what a shipped one does, changed in the same way."""
    try:
        return not open_spec(name, set=changes).diff(net).different
    except RescompileError:  # it cannot be changed so
        return False
