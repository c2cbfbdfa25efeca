"""Which file is meant: one on the disk, or published weights by their names, `resnet34:CIFAR10`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..api import Architecture, open_spec
from ..download import Settings, Watch, fetch, place
from ..emit.guard import bound_of
from ..emit.weights import state_slots
from ..errors import SpecError
from ..language.load import zoo
from ..published import entry, reference
from ..published.entry import WITHOUT
from .names import Renames
from .owner import check_installed, fault, owner_of


@dataclass(frozen=True)
class Given:
    """A file of weights, and what is known of it: whose it is, and what it calls its tensors."""

    file: Path
    spec: str
    renames: Renames = ()
    ignore: Sequence[str] = ()
    source: str = ""  # the address that it was fetched from just now


def given(
    words: str, spec: str | None, settings: Settings | None = None, watch: Watch | None = None
) -> Given:
    """What `words` mean, a path or `SPEC:ENTRY`; published weights are fetched.

    `spec` is the network that they are for, by default the one that lists them. Raises `SpecError`.
    """
    whose, name = reference(words)
    if name is None:
        if spec is None:
            raise _whose(words)
        return Given(Path(words), spec)
    net = open_spec(whose)
    if not net.weights:
        raise fault("E106", f"{net.name} lists no weights", _who_has(net))
    file = entry(net.document.spec, name)
    settings = settings or Settings()
    path = place(file, settings)
    check_installed(owner_of(path), path)  # before it is fetched: what cannot be read is not
    limit = bound_of(state_slots(net.analysis)).size
    fetched = fetch(file, limit, settings, watch)
    return Given(fetched.path, spec or whose, file.rename, file.skip, fetched.source)


def _whose(words: str) -> SpecError:
    """What to say where nothing tells the network."""
    if words not in zoo():
        return fault(
            "E301", f"nothing tells whose weights '{words}' has", "name its network: `--spec SPEC`"
        )
    listed = [f"{words}:{one.name}" for one in open_spec(words).weights]
    help = f"say which of its weights: {', '.join(listed)}" if listed else ""
    return fault("E301", f"'{words}' is a network, and no file of weights", help)


def _who_has(net: Architecture) -> str:
    """Networks with names like this one's that list weights, which may compute otherwise."""
    for name in zoo():
        related = name.startswith(net.name) or net.name.startswith(name)
        if related and name != net.name and (weights := open_spec(name).weights):
            listed = ", ".join(f"{name}:{one.name}" for one in weights)
            return f"there are {listed}; `rescompile diff {net.name} {name}` tells how they differ"
    return WITHOUT.format(net.name)
