"""Which faults can be put into what a backend emits: those of which some text stands there.

Neither backends nor their words are told apart: of the mutants of one fault the one applies whose
text occurs, and of several the longest. A fault without a place is counted, and never passed over.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rescompile.api import open_spec
from rescompile.registry import backend_names, get_backend

from .dropped import DROPS
from .faults import FAULTS
from .mutants import EVALUATION, MUTANTS, Mutant
from .nodes import NODES
from .presets import PRESETS

SPECS = Path(__file__).parent / "specs"
# By fault and spec, for a fault may stand in two.
KNOWN: dict[tuple[str, str], list[Mutant]] = {}
for _mutant in (*MUTANTS, *FAULTS, *DROPS, *PRESETS, *NODES):
    KNOWN.setdefault((_mutant.what, _mutant.spec), []).append(_mutant)


@cache
def emitted(backend: str, spec: str) -> str:
    return open_spec(SPECS / f"{spec}.yaml").source(backend)


def placed(backend: str) -> list[Mutant]:
    """The faults that a backend's files have a place for, each in the words of its target.

    A target that trains nothing has none for what only training shows.
    """
    evaluates = bool(get_backend(backend).no_training)
    found = []
    for (_, spec), mutants in KNOWN.items():
        source = emitted(backend, spec)
        fitting = [
            m for m in mutants if m.old in source and not (evaluates and m.check != EVALUATION)
        ]
        found += sorted(fitting, key=lambda mutant: -len(mutant.old))[:1]
    return found


PLACED = {backend: placed(backend) for backend in backend_names()}
PAIRS = [(backend, mutant) for backend, mutants in PLACED.items() for mutant in mutants]
IDS = [f"{backend}: {mutant.what}" for backend, mutant in PAIRS]


def broken(backend: str, mutant: Mutant) -> str:
    """What the backend emits with the fault."""
    return emitted(backend, mutant.spec).replace(mutant.old, mutant.new)
