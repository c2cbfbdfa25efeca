"""The figures of a network that an axis can have, by the names that its report gives them."""

from __future__ import annotations

from collections.abc import Callable

from ..api import Architecture
from ..cost.breakdown import Row, Rows
from ..cost.cost import network_cost
from ..cost.report import columns, figures
from ..errors import Diagnostic, SpecError, did_you_mean
from ..record import record
from ..table import unit_of
from ..table.column import plain


@record
class Quantity:
    """A figure of a network: what an axis says of it, and its unit, "" for a plain number.

    `value` is None where a network has none; what is `counted` has no decimal prefix.
    """

    key: str
    title: str
    unit: str
    value: Callable[[Architecture], float | None]
    counted: bool = False

    def scale(self, largest: float) -> tuple[str, int]:
        """The unit for an axis that goes up to `largest`, and what it is worth: "GB", 10**9."""
        if self.counted:
            return self.unit, 1
        prefix, size = unit_of(int(largest))
        return prefix + self.unit, size


def _cost(key: str) -> Callable[[Architecture], float | None]:
    return lambda net: figures(network_cost(net.analysis.elaborated))[key]


def _last(
    of: Callable[[Row], tuple[float, ...] | None],
) -> Callable[[Architecture], float | None]:
    """Of the last map that has it: before a global pool or a linear layer, which see everything."""

    def value(net: Architecture) -> float | None:
        rows = Rows(net.analysis.elaborated).by_layer()
        found = [pair for row in rows if (pair := of(row)) is not None]
        return found[-1][0] if found else None

    return value


QUANTITIES = {
    quantity.key: quantity
    for quantity in (
        Quantity("parameters", "parameters", "", _cost("parameters")),
        Quantity("other_parameters", "running statistics", "", _cost("other_parameters")),
        Quantity("macs", "multiply-adds, batch 1", "", _cost("macs")),
        Quantity("conv_macs", "multiply-adds of convolutions", "", _cost("conv_macs")),
        Quantity("linear_macs", "multiply-adds of linear layers", "", _cost("linear_macs")),
        Quantity("flops", "FLOPs, two a multiply-add, batch 1", "", _cost("flops")),
        Quantity(
            "activation_bytes", "activations, float32, batch 1", "B", _cost("activation_bytes")
        ),
        Quantity("weights_bytes", "weights, float32", "B", _cost("weights_bytes")),
        Quantity("layers", "layers on the longest path", "", _cost("layers"), True),
        Quantity("weighted_layers", "layers with weights", "", _cost("weighted_layers"), True),
        Quantity(
            "receptive_field_px", "receptive field", "px", _last(lambda row: row.field.size), True
        ),
        Quantity("stride_px", "stride of the last map", "px", _last(lambda row: row.stride), True),
    )
}


def quantity(name: str) -> Quantity:
    """The figure of that name: as JSON calls it, or as a table is headed. Raises `SpecError`."""
    wanted = plain(name)
    for column in columns("stage"):
        if column.key in QUANTITIES and wanted in column.names:
            return QUANTITIES[column.key]
    message = f"networks have no figure '{name}'"
    help = did_you_mean(wanted, QUANTITIES)
    raise SpecError([Diagnostic("E005", message, help=help)])
