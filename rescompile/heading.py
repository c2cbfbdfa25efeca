"""What the docstring of an emitted file says of its network."""

from __future__ import annotations

from collections.abc import Iterator

from . import __version__
from .cost.breakdown import stage_rows
from .cost.cost import network_cost
from .emit.summary import Row, Summary
from .ir.analysis import Analysis
from .ir.fold import used_names
from .ir.structure import CLASSES, Network, channel_names
from .language.load import SHIPPED
from .language.models import Spec
from .lint.fidelity import stride_note


def summary(analysis: Analysis, lowered: Network, spec: Spec) -> Summary:
    """The figures and words for a network as it is emitted, and as it was lowered from a spec."""
    network, elaborated = analysis.network, analysis.elaborated
    cost = network_cost(elaborated)
    rows = (
        Row(row.name, row.blocks, row.output, row.cost.parameters, row.cost.macs)
        for row in stage_rows(elaborated)
    )
    return Summary(
        title=network.title,
        source=network.source,
        spec=network.spec,
        version=__version__,
        inputs=network.inputs,
        parameters=cost.parameters,
        macs=cost.macs,
        rows=tuple(rows),
        note=stride_note(elaborated),
        fixed=tuple(_fixed(network, lowered, spec)),
        is_shipped=network.spec.startswith(SHIPPED),
    )


def _fixed(network: Network, lowered: Network, spec: Spec) -> Iterator[str]:
    """What a reader may look for among the arguments of the emitted function in vain."""
    called = channel_names(spec.entering)
    channels = {called[name]: one.channels for name, one in spec.entering.items()}
    known = {**channels, **spec.parameters}
    if CLASSES in used_names(lowered.root):
        known[CLASSES] = spec.classes
    for name, value in known.items():
        if name not in network.own and not isinstance(value, str):
            yield f"{name} = {value}"
