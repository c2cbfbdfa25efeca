"""The weights that a spec lists, with every default filled in."""

from __future__ import annotations

import re
from pathlib import Path

from ..emit.preprocessing import Preparation
from ..errors import Diagnostic, SpecError, did_you_mean
from ..language.models import Checkpoint, Preprocessing, Spec
from ..language.models.weights import HASH_IN_NAME, TOP1, TOP1_ERROR, file_of
from ..record import record

WITHOUT = "`rescompile weights {}` tells whose may be meant; without a name, it lists all"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@record
class Published:
    """A file of trained weights: where it is, how it is known to be that, and what it is good for.

    `sha256` is the hash in full or its first digits, 8 or more, in small letters. `format` is the
    suffix for what the file is, where `filename` ends otherwise. `rename` are pairs of what the
    file calls tensors, or the beginnings of names, and what the spec calls them; `skip` are those
    that the network does not have, or what they belong to. `metrics` are figures by name, as
    printed at `where`.
    """

    name: str
    url: str
    sha256: str
    filename: str
    format: str = ""
    mib: float | None = None
    rename: tuple[tuple[str, str], ...] = ()
    skip: tuple[str, ...] = ()
    preprocessing: Preparation | None = None
    metrics: tuple[tuple[str, float], ...] = ()
    where: str = ""
    recipe: str = ""
    license: str = ""
    about: str = ""

    @property
    def top1(self) -> float | None:
        """Top-1 accuracy in percent, as printed or from the printed error, if one is."""
        metrics = dict(self.metrics)
        if TOP1_ERROR in metrics and TOP1 not in metrics:
            return round(100 - metrics[TOP1_ERROR], 6)
        return metrics.get(TOP1)


def entries(spec: Spec) -> tuple[Published, ...]:
    """The weights that a spec lists, in its order."""
    return tuple(map(_published, spec.weights))


def reference(text: str) -> tuple[str, str | None]:
    """A spec and the name of its weights, which a command line has as SPEC:WEIGHTS, or SPEC alone.

    What is a file is one, whatever its name.
    """
    spec, _, name = text.rpartition(":")
    if not spec or not NAME.fullmatch(name) or Path(text).is_file():
        return text, None
    return spec, name


def entry(spec: Spec, name: str) -> Published:
    """The entry of that name, in any case. Raises `SpecError` where there is none."""
    found = entries(spec)
    for one in found:
        if one.name.casefold() == name.casefold():
            return one
    message = f"{spec.name} has no weights named '{name}'"
    help = did_you_mean(name, [one.name for one in found])
    if not found:
        message, help = f"{spec.name} lists no weights", WITHOUT.format(spec.name)
    raise SpecError([Diagnostic("E106", message, help=help)])


def _published(said: Checkpoint) -> Published:
    filename = file_of(said.url)
    in_name = HASH_IN_NAME.search(filename)
    sha256 = said.sha256 or (in_name[1] if in_name else "")  # the model has seen that one is there
    return Published(
        said.name,
        said.url,
        sha256,
        filename,
        said.format,
        said.mib,
        tuple(said.rename.items()),
        tuple(said.skip),
        _preparation(said.preprocessing),
        tuple(said.metrics.items()),
        said.where,
        said.recipe,
        said.license,
        said.about,
    )


def _preparation(said: Preprocessing | None) -> Preparation | None:
    if said is None:
        return None
    return Preparation(
        said.resize, said.crop, said.mean, said.std, said.interpolation, said.antialias
    )
