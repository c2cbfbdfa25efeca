"""What executed source is found to do."""

from __future__ import annotations

from ...record import record
from .expected import Tensors


@record
class Traced:
    """What executed source does: its outputs as terms, and every weight that it has."""

    outputs: tuple[int, ...]
    tensors: Tensors


class TraceError(ValueError):
    """Emitted source does what its framework would refuse, or what no operation means."""
