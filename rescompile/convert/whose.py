"""Whose a file of weights is known to be, and whether that network computes what is asked for.

Names and shapes do not tell: `plain20_cifar` has those of `resnet20_cifar`, and a stride may be on
another convolution. The hash of a published file does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import __version__
from ..api import Architecture, open_spec
from ..download.fetching import sha256
from ..emit.weights import state_slots
from ..errors import RescompileError
from ..language.load import zoo
from ..ops import Shape

HASH = re.compile(r"(?:-|sha256: ?[\"']?)([0-9a-f]{8,64})(?![0-9a-f])")
PUBLISHED = (".pth", ".pt", ".th", ".safetensors")  # as those write who publish weights


def doubt(file: Path, net: Architecture, changes: Sequence[str]) -> str:
    """A warning where a file's weights are for a network that computes otherwise, or nothing.

    Networks are compared that have the same names and shapes, where both are changed in one way.
    """
    if not file.name.endswith(PUBLISHED):
        return ""
    note, path = net.request.summary.note, net.document.path
    for name, entry in owners(file):
        differs = _differs(name, net, changes)
        if differs is False:
            return ""
        if differs and not note:
            shown = path.stem if zoo().get(path.stem) == path.resolve() else path.as_posix()
            note = (
                f"these weights are {name}:{entry}, and {net.name} computes otherwise: "
                f"see `rescompile diff {name} {shown}`"
            )
    return note


def about(net: Architecture, file: Path) -> dict[str, str]:
    """What is known of a network and of the file that its weights come from, in words.

    Published weights are told by their hash, and then what an image becomes before them.
    """
    made = {"rescompile": __version__, "spec": net.document.cited, "network": net.name}
    for name, entry in owners(file) if file.name.endswith(PUBLISHED) else ():
        made["weights"] = f"{name}:{entry}"
        found = next(one for one in open_spec(name).weights if one.name == entry)
        if found.preprocessing is not None:
            made["preprocessing"] = json.dumps(found.preprocessing.record())
        break
    return made


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


def _differs(name: str, net: Architecture, changes: Sequence[str]) -> bool | None:
    """Whether a shipped network, changed too, computes otherwise; None where its tensors differ."""
    try:
        owner = open_spec(name, set=changes)
        alike = _tensors(owner) == _tensors(net)
        return owner.diff(net).different if alike else None
    except RescompileError:  # it cannot be changed so
        return None


def _tensors(net: Architecture) -> set[tuple[str, Shape]]:
    return {(slot.name, slot.shape) for slot in state_slots(net.analysis)}
