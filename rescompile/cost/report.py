"""Reports: what a network costs by network, stage, block or layer, in four formats.

Figures are exact integers, and the convention by which they are counted stands beside them; only
the summary abbreviates, with decimal units (k, M, G: 10**3, 10**6, 10**9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from fractions import Fraction
from functools import cache, partial

from .. import markup
from ..ir.trace import Elaborated
from ..ops import Shape, show_inputs, show_shape
from ..prose import json_text, markdown, visible
from ..record import record
from ..table import USUAL, Column, Table, View, rounded, short, wrapped
from ..table.column import Row as Line
from ..table.column import cell
from .breakdown import VIEWS, Row, Rows, stage_rows
from .cost import CONVENTION, CONVENTIONS, Cost
from .peak import Peak, peak

__all__ = ["Report", "Row", "report", "stage_rows"]

FULL = "full"
GIVES_WAY = (
    "other_parameters",
    "stride_px",
    "receptive_field_px",
    "weights_bytes",
    "activation_bytes",
    "flops",
    "layers",
    "description",
    "macs_share_percent",
    "output_shape",
    "blocks",
    "weighted_layers",
    "conv_macs",
    "linear_macs",
    "parameters",
    "macs",
)


@record
class Report:
    """The costs of one network, in rows by `by`; see `CONVENTIONS` for the units.

    `output` is the shape of the last value, `outputs` those of the steps that are returned instead.
    """

    name: str
    title: str
    source: str
    spec: str
    inputs: Mapping[str, Shape]
    output: Shape
    outputs: Mapping[str, Shape]
    by: str
    rows: tuple[Row, ...]
    total: Cost
    lives: Callable[[], Peak] = field(compare=False)  # which takes as long as all the rest

    @property
    def peak(self) -> Peak:
        """The most memory that is held at once."""
        return self.lives()

    def __repr__(self) -> str:
        return f"<report of {self.name} by {self.by}: {len(self.rows):,} rows>"

    def text(self, view: View = USUAL) -> str:
        """A headline, the totals, the convention, and an aligned table for a terminal.

        Parameters and MACs are exact; what follows from them is short here, exact elsewhere. Raises
        `SpecError` for a column that is not known.
        """
        title, *rest = self._summary()
        lines = [view.style(line, "head") for line in wrapped(title, view)]
        lines += [line for text in rest for line in wrapped(text, view)]
        return "\n".join([*lines, "", *self._table().text(view)]) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        title, *rest = map(markdown, self._summary())
        table = self._table().markdown(view)
        return "\n".join([f"# {title}", "", *(f"- {line}" for line in rest), "", *table]) + "\n"

    def json(self) -> str:
        """Everything, with the unit in each key and the conventions beside the figures."""
        data = {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "spec": self.spec,
            **inputs_record(self.inputs),
            "output_shape": list(self.output),
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            "convention": CONVENTIONS,
            "total": figures(self.total),
            "peak": _peak(self.peak),
            "by": self.by,
            "rows": [self._record(row) for row in self.rows],
        }
        return json_text(data)

    def csv(self, view: View = USUAL) -> str:
        """The rows alone, without a total; shapes as "64x56x56"."""
        return self._table().csv(view)

    def _repr_html_(self) -> str:
        """The table for a notebook, under the totals."""
        return self.headline() + self._table().html(USUAL)

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
            f"input{'s' * (len(self.inputs) > 1)} {show_inputs(self.inputs)}, {self._returned()}, "
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

    def _table(self) -> Table:
        total: Line = {
            "name": "total",
            **figures(self.total),
            "macs_share_percent": self._share(self.total),
        }
        foot = () if self.by == "network" else (total,)
        return Table(columns(self.by), tuple(map(self._line, self.rows)), GIVES_WAY, foot)

    def _share(self, cost: Cost) -> Fraction:
        """Percent of the network's MACs."""
        return Fraction(100 * cost.macs, self.total.macs or 1)

    def _line(self, row: Row) -> Line:
        return {
            "name": row.name,
            "description": row.what,
            "blocks": row.blocks,
            "output_shape": row.output,
            **figures(row.cost),
            "macs_share_percent": self._share(row.cost),
            "receptive_field_px": FULL if row.field.size is None else row.field.size,
            "stride_px": row.stride,
        }

    def _record(self, row: Row) -> dict[str, object]:
        """A row for a program: shapes are lists."""
        line = self._line(row).items()
        return {key: list(v) if isinstance(v, tuple) else cell(v) for key, v in line}


def columns(by: str) -> tuple[Column, ...]:
    """The columns of a report by `by`, in the order of Markdown and CSV."""

    def number(key: str, head: str, long: str = "", usual: bool = True) -> Column:
        return Column(key, head, "{:,}".format, long, usual=usual)

    def size(key: str, head: str, long: str, unit: str = "") -> Column:
        return Column(key, head, lambda n: f"{short(n)}{unit}" if n else "0", long, "{:,}".format)

    return (
        Column("name", by, words=True, least=16, tail=True),
        Column("description", "description", words=True, least=32),
        number("blocks", "blocks", usual=False),
        Column("output_shape", "output", show_shape),
        number("layers", "layers"),
        number("weighted_layers", "weighted layers", usual=False),
        number("parameters", "parameters"),
        number("other_parameters", "not trainable"),
        number("macs", "MACs"),
        Column("macs_share_percent", "%", lambda share: str(rounded(share, 2)), "MACs %"),
        number("conv_macs", "conv MACs", usual=False),
        number("linear_macs", "linear MACs", usual=False),
        size("flops", "FLOPs", "FLOPs"),
        size("activation_bytes", "activations", "activation bytes", "B"),
        size("weights_bytes", "weights", "weights bytes", "B"),
        Column("receptive_field_px", "field", _extents, "receptive field"),
        Column("stride_px", "stride", _extents),
    )


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


def _extents(given: tuple[float, ...] | str | None) -> str:
    """Extents in pixels, one number where they agree."""
    if isinstance(given, tuple):
        shown = [f"{n:g}" for n in given]
        return shown[0] if len({*shown}) == 1 else "x".join(shown)
    return given or "-"


def inputs_record(inputs: Mapping[str, Shape]) -> dict[str, object]:
    """The shapes of inputs as data: that of the only one, and all of them by name."""
    shapes = {name: list(shape) for name, shape in inputs.items()}
    only = next(iter(shapes.values())) if len(shapes) == 1 else None
    return {"input_shape": only, "inputs": shapes}


def report(elaborated: Elaborated, by: str = "stage") -> Report:
    """The report of a network with a row for each `by`: network, stage, block or layer."""
    network = elaborated.network
    rows = Rows(elaborated)
    return Report(
        name=network.name,
        title=network.title or network.name,
        source=network.source,
        spec=network.spec,
        inputs=network.inputs,
        output=elaborated.output,
        outputs=elaborated.outputs,
        by=by,
        rows=tuple(VIEWS[by](rows)),
        total=rows.costs.total(rows.root),
        lives=cache(partial(peak, elaborated)),
    )
