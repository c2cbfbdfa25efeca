"""Reports: what a network costs by network, stage, block or layer, in four formats.

Figures are exact integers, and the convention by which they are counted stands beside them; only
the summary abbreviates, with decimal units (k, M, G: 10**3, 10**6, 10**9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from .. import markup
from ..ir.trace import Elaborated
from ..ops import Shape, show_shape
from ..prose import json_text, markdown, visible
from ..record import record
from ..table import FORMATS, Cell, csv_table, markdown_table, rounded, short, text_table
from .breakdown import VIEWS, Row, Rows, stage_rows
from .cost import CONVENTION, CONVENTIONS, Cost
from .peak import Peak, peak

__all__ = ["FORMATS", "Report", "Row", "report", "stage_rows"]

HEAD = (
    "description",
    "output",
    "layers",
    "parameters",
    "not trainable",
    "MACs",
    "MACs %",
    "FLOPs",
    "activation bytes",
    "weights bytes",
    "receptive field",
    "stride",
)
NARROW = (
    "description",
    "output",
    "layers",
    "parameters",
    "MACs",
    "%",
    "FLOPs",
    "activations",
    "weights",
    "field",
    "stride",
)
LEFT = 2  # columns of words: the name and the description
FULL = "full"


@record
class Report:
    """The costs of one network, in rows by `by`; see `CONVENTIONS` for the units.

    `output` is the shape of the last value, `outputs` those of the steps that are returned instead.
    """

    name: str
    title: str
    source: str
    spec: str
    input: Shape
    output: Shape
    outputs: Mapping[str, Shape]
    by: str
    rows: tuple[Row, ...]
    total: Cost
    peak: Peak

    def __repr__(self) -> str:
        return f"<report of {self.name} by {self.by}: {len(self.rows):,} rows>"

    def text(self) -> str:
        """A headline, the totals, the convention, and an aligned table for a terminal.

        Parameters and MACs are exact; what follows from them is short here, exact elsewhere.
        """
        table = text_table((self.by, *NARROW), self._lines(self._short_numbers), LEFT)
        return "\n".join([*self._summary(), "", *table]) + "\n"

    def markdown(self) -> str:
        """The same as GitHub's Markdown."""
        title, *rest = map(markdown, self._summary())
        table = markdown_table((self.by, *HEAD), self._lines(self._numbers), LEFT)
        return "\n".join([f"# {title}", "", *(f"- {line}" for line in rest), "", *table]) + "\n"

    def json(self) -> str:
        """Everything, with the unit in each key and the conventions beside the figures."""
        data = {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "spec": self.spec,
            "input_shape": list(self.input),
            "output_shape": list(self.output),
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            "convention": CONVENTIONS,
            "total": figures(self.total),
            "peak": _peak(self.peak),
            "by": self.by,
            "rows": [self._record(row) for row in self.rows],
        }
        return json_text(data)

    def csv(self) -> str:
        """The rows alone, without a total; shapes as "64x56x56"."""
        records = [self._record(row) for row in self.rows]
        if not records:
            return ""
        return csv_table(list(records[0]), [list(map(_cell, r.values())) for r in records])

    def _repr_html_(self) -> str:
        """The table for a notebook, under the totals."""
        lines = self._lines(self._short_numbers)
        return self.headline() + markup.table((self.by, *NARROW), lines, LEFT)

    def headline(self) -> str:
        """The totals for a notebook, and the peak of memory."""
        title, *rest, convention = self._summary()
        at = f" at {'.'.join(self.peak.path)}" if self.peak.path else ""
        peak = f"at most {short(self.peak.bytes)}B alive at once{at}"
        return f"<p>{markup.lines(title, (*rest, peak, convention))}</p>"

    def _summary(self) -> list[str]:
        total = self.total
        lines = [visible(self.title or self.name)]
        if self.source:
            lines.append(f"source: {visible(self.source)}")
        if self.spec:
            lines.append(f"spec: {visible(self.spec)}")
        lines.append(
            f"input {show_shape(self.input)}, {self._returned()}, "
            f"{total.layers:,} layers deep ({total.weighted_layers:,} with weights in all)"
        )
        lines.append(
            f"{total.parameters:,} parameters ({short(total.parameters)}), "
            f"{total.other_parameters:,} running statistics; "
            f"{short(total.weights_bytes)}B of weights, "
            f"{short(total.activation_bytes)}B of activations (float32, batch 1)"
        )
        lines.append(f"{total.macs:,} MACs ({short(total.macs)}), {short(total.flops)} FLOPs")
        return [*lines, f"convention: {CONVENTION}"]

    def _returned(self) -> str:
        """What the network returns: its last value, or the steps that it names."""
        if not self.outputs:
            return f"output {show_shape(self.output)}"
        shapes = (f"{name} {show_shape(shape)}" for name, shape in self.outputs.items())
        return f"output{'s' * (len(self.outputs) > 1)} {', '.join(shapes)}"

    def _lines(self, numbers: Callable[[Cost], list[str]]) -> list[list[str]]:
        lines = [
            [row.name, row.what, show_shape(row.output), *numbers(row.cost), *_reach(row)]
            for row in self.rows
        ]
        if self.by != "network":
            lines.append(["total", "", "", *numbers(self.total), "", ""])
        return lines

    def _short_numbers(self, cost: Cost) -> list[str]:
        counts = (f"{n:,}" for n in (cost.layers, cost.parameters, cost.macs))
        memory = (cost.activation_bytes, cost.weights_bytes)
        sizes = (f"{short(n)}B" if n else "0" for n in memory)
        return [*counts, str(rounded(self._share(cost), 2)), short(cost.flops), *sizes]

    def _numbers(self, cost: Cost) -> list[str]:
        counts = (cost.layers, cost.parameters, cost.other_parameters, cost.macs)
        memory = (cost.flops, cost.activation_bytes, cost.weights_bytes)
        share = str(rounded(self._share(cost), 2))
        return [*(f"{n:,}" for n in counts), share, *(f"{n:,}" for n in memory)]

    def _share(self, cost: Cost) -> Fraction:
        """Percent of the network's MACs."""
        return Fraction(100 * cost.macs, self.total.macs or 1)

    def _record(self, row: Row) -> dict[str, object]:
        return {
            "name": row.name,
            "description": row.what,
            "blocks": row.blocks,
            "output_shape": list(row.output),
            **figures(row.cost),
            "macs_share_percent": float(rounded(self._share(row.cost), 4)),
            "receptive_field_px": FULL if row.field.size is None else list(row.field.size),
            "stride_px": None if row.stride is None else list(row.stride),
        }


def figures(cost: Cost) -> dict[str, int]:
    """The exact figures of a cost by name, with units; see `CONVENTIONS`."""
    return {
        "layers": cost.layers,
        "weighted_layers": cost.weighted_layers,
        "parameters": cost.parameters,
        "other_parameters": cost.other_parameters,
        "macs": cost.macs,
        "conv_macs": cost.conv_macs,
        "linear_macs": cost.linear_macs,
        "flops": cost.flops,
        "activation_bytes": cost.activation_bytes,
        "weights_bytes": cost.weights_bytes,
    }


def _peak(peak: Peak) -> dict[str, object]:
    alive = [{"step": ".".join(one.path), "shape": list(one.shape)} for one in peak.alive]
    return {"peak_bytes": peak.bytes, "step": ".".join(peak.path), "alive": alive}


def _cell(value: object) -> Cell:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return value if isinstance(value, (int, float, str)) else None


def _reach(row: Row) -> list[str]:
    """Receptive field and stride in pixels, one number where height and width agree."""
    size = FULL if row.field.size is None else _pair(row.field.size)
    return [size, "-" if row.stride is None else _pair(row.stride)]


def _pair(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g}" if pair[0] == pair[1] else f"{pair[0]:g}x{pair[1]:g}"


def report(elaborated: Elaborated, by: str = "stage") -> Report:
    """The report of a network with a row for each `by`: network, stage, block or layer."""
    network = elaborated.network
    rows = Rows(elaborated)
    return Report(
        name=network.name,
        title=network.title or network.name,
        source=network.source,
        spec=network.spec,
        input=network.input,
        output=elaborated.output,
        outputs=elaborated.outputs,
        by=by,
        rows=tuple(VIEWS[by](rows)),
        total=rows.costs.total(rows.root),
        peak=peak(elaborated),
    )
