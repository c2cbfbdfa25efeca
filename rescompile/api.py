"""The pipeline on one screen: load, lower, fold, prove, refuse or emit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import Diagnostic, RescompileError, SpecError, UnsupportedError, did_you_mean
from .expr.dims import ExprError
from .ir.analysis import Analysis
from .ir.elaborate import elaborate
from .ir.fold import fold
from .ir.invariants import prove
from .language.load import Document, InvalidSpec, find, is_text, load
from .language.override import words
from .lower import backbone, check_inside, lower
from .ops import show_shape
from .prose import json_text
from .registry import get_backend

if TYPE_CHECKING:
    from .compare.diff import Diff
    from .compare.versus import Versus
    from .cost.report import Report
    from .emit.contract import Backend, Request
    from .figure import Figure
    from .ir.trace import Elaborated


MAPPING, TEXT = "a mapping", "a text"  # what diagnostics call a spec that is no file


@dataclass(frozen=True)
class Architecture:
    """A compiled spec: ask it for source, for a report, or for a live model."""

    document: Document

    @property
    def name(self) -> str:
        return self.document.spec.name

    def __repr__(self) -> str:
        """One line: name, input, parameters and MACs, or that the spec has errors."""
        try:
            report = self.report("network")
        except RescompileError as error:
            count = len(error.diagnostics)
            return f"<{self.name}: {count} error{'s' * (count != 1)}>"
        total = report.total
        return (
            f"<{self.name}: input {show_shape(report.input)}, {total.parameters:,} parameters, "
            f"{total.macs:,} MACs>"
        )

    def _repr_html_(self) -> str | None:
        """The figure and the totals, for a notebook; nothing where the spec has errors."""
        try:
            return self.figure()._repr_html_() + self.report("network").headline()
        except RescompileError:
            return None

    @cached_property
    def lowered(self) -> Elaborated:
        """The network as the spec has it, with shapes. Raises `SpecError`."""
        with reported_together():
            made = elaborate(lower(self.document))
            spec = self.document.spec
            check_inside(made, spec)
            return elaborate(backbone(made, spec)) if spec.features else made

    @cached_property
    def analysis(self) -> Analysis:
        """The network as it is emitted, checked. Raises `SpecError`."""
        with reported_together():
            analysis = Analysis(fold(self.lowered))
            prove(analysis, self.lowered)
            return analysis

    def source(self, backend: str = "torch") -> str:
        """The network as source code. Raises `SpecError` and `UnsupportedError`."""
        target = get_backend(backend)
        with reported_together():
            return self.emitted(target)

    def emitted(self, target: Backend) -> str:
        """Source that is proved to be the network. Raises `InternalError` where it is not."""
        from .emit.validation import validate

        reasons = target.unsupported(self.analysis)
        if reasons:
            raise UnsupportedError(target.title, self.name, reasons)
        source = target.emit(self.request)
        validate(target, self.lowered, source)
        return source

    @cached_property
    def request(self) -> Request:
        """What a backend is asked to emit."""
        from .cost.breakdown import stage_rows
        from .cost.cost import network_cost
        from .emit.contract import Request
        from .emit.summary import Row, Summary
        from .lint.fidelity import stride_note

        network, elaborated = self.analysis.network, self.analysis.elaborated
        cost = network_cost(elaborated)
        rows = tuple(
            Row(row.name, row.blocks, row.output, row.cost.parameters, row.cost.macs)
            for row in stage_rows(elaborated)
        )
        return Request(
            self.analysis,
            Summary(
                title=network.title,
                source=network.source,
                spec=network.spec,
                version=__version__,
                input=network.input,
                parameters=cost.parameters,
                macs=cost.macs,
                rows=rows,
                note=stride_note(elaborated),
            ),
        )

    def report(self, by: str = "stage") -> Report:
        """Its costs, a row for the network or each stage, block or layer."""
        from .cost.report import report

        return report(self.analysis.elaborated, by)

    def figure(self, style: str = "folded", open: Iterable[str] = ()) -> Figure:
        """A picture of it; see `rescompile.figure.figure`."""
        from .figure import figure

        return figure([self.analysis], style, open)

    def versus(self, other: Architecture) -> Versus:
        """Its costs relative to those of another network, with honest percentages."""
        from .compare.versus import versus

        return versus(self.analysis.elaborated, other.analysis.elaborated)

    def diff(self, other: Architecture) -> Diff:
        """What another network does otherwise, place by place, and what that costs."""
        from .compare.diff import diff

        return diff(self.analysis.elaborated, other.analysis.elaborated)

    def warnings(self) -> list[Diagnostic]:
        """What a reader of the papers would want to know, but for what the spec allows.

        Raises `SpecError` for an allowed code that does not exist.
        """
        from .language.unused import unused
        from .lint.fidelity import fidelity
        from .lint.rules import RULES, warning

        spec = self.document.spec
        for i, code in enumerate(spec.allow):
            if code not in RULES:
                message = f"there is no warning {code}"
                help = did_you_mean(code, RULES)
                raise SpecError([Diagnostic("E106", message, spec.at("allow", i), help=help)])
        found = fidelity(self.analysis.elaborated)
        found += [warning(code, at, label, (), slip) for code, at, label, slip in unused(spec)]
        return [one for one in found if one.code not in spec.allow]

    def module(self, backend: str = "torch", dtype: str = "float32") -> Any:
        """A live model, initialised as its source says. Imports the framework.

        An nn.Module for "torch", a keras.Model for "keras"; tracebacks show the emitted source.
        """
        from .live import import_source

        module = import_source(self.source(backend), backend, self.name)
        return get_backend(backend).runtime().build(module, self.name, dtype)

    def resolved(self) -> str:
        """The spec as one file in its own language, without `extends` and `use`."""
        from .language.dump import resolved

        return resolved(self.document.root, self.document.spec)

    def text(self) -> str:
        """The network as the compiler sees it."""
        from .ir.text import show

        return show(self.analysis)


@contextmanager
def reported_together() -> Iterator[None]:
    """Turns an expression that has no value or no end into a diagnostic, wherever it came up."""
    try:
        yield
    except ExprError as error:
        raise SpecError([Diagnostic("E204", str(error), help=error.help)]) from None


Source = str | os.PathLike[str] | Mapping[str, Any]


def open_spec(
    spec: Source,
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    name: str | None = None,
    features: bool | Sequence[int] | None = None,
    set: Mapping[str, Any] | Iterable[str] = (),
) -> Architecture:
    """The architecture that `spec` describes. Raises `SpecError`.

    `spec` is a file, the name of a shipped network, the text of a spec (of several lines), or a
    mapping with its keys. The rest changes it for once: the input's `size` in pixels (64, "64x96"
    or a pair) and `channels`, the number of `classes`, the network's `name`, and by `set` any
    value by its place: {"stages.layer3.repeat": 2}, or "stages.layer3.repeat=2" in a list. With
    `features` it is a backbone: without its head it returns the last map at each stride, or at
    those given, [8, 16, 32]. What was changed stands in the emitted file.
    """
    changes = words(size, channels, classes, name, features, set)
    try:
        if isinstance(spec, Mapping):
            document = load(Path(MAPPING), changes, json_text(spec).encode())
        elif isinstance(spec, str) and is_text(spec):
            document = load(Path(TEXT), changes, spec.encode())
        else:
            document = load(find(os.fspath(spec)), changes)
    except InvalidSpec as error:
        raise SpecError([*error.diagnostics, *_further(error.mended)]) from None
    return Architecture(document)


def _further(mended: Document | None) -> tuple[Diagnostic, ...]:
    """What is wrong with the names of a spec whose slips are told already."""
    if mended is None:
        return ()
    try:
        lower(mended)
    except RescompileError as error:
        return tuple(found for found in error.diagnostics if found.code != "E107")
    return ()
