"""The pipeline on one screen: load, lower, fold, prove, refuse or emit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .emit.layout import LINE_LENGTH, NARROWEST, WIDEST, lines_of
from .errors import (
    Diagnostic,
    DiagnosticCollector,
    RescompileError,
    SpecError,
    UnsupportedError,
    did_you_mean,
)
from .expr.dims import ExprError
from .ir.analysis import Analysis
from .ir.elaborate import elaborate
from .ir.fold import fold
from .ir.invariants import prove
from .ir.varying import NOTHING, Varying, varying
from .language.load import Document, InvalidSpec, find, is_text, load
from .language.override import plain, words
from .language.stdin import PATH, STDIN, standard_input
from .lower import backbone, check_inside, check_reached, lower
from .ops import show_inputs
from .prose import json_text
from .registry import get_backend, get_runtime, lacking

if TYPE_CHECKING:
    from .compare.diff import Diff
    from .compare.versus import Versus
    from .cost.report import Report
    from .emit.contract import Backend, Request
    from .figure import Figure
    from .ir.trace import Elaborated
    from .published import Published


DTYPES = ("bfloat16", "float16", "float32", "float64")  # of live models
MAPPING, TEXT = "a mapping", "a text"  # what diagnostics call a spec that is no file


Source = str | os.PathLike[str] | Mapping[str, Any]  # what a spec is opened from


@dataclass(frozen=True, eq=False)
class Architecture:
    """A compiled spec: ask it for source, for a report, or for a live model.

    Two are equal if their specs say the same and generated code cites them alike.
    """

    document: Document

    @property
    def name(self) -> str:
        return self.document.spec.name

    @cached_property
    def _said(self) -> tuple[str, str]:
        return self.document.cited, self.resolved()

    def __eq__(self, other: object) -> bool:
        return self._said == other._said if isinstance(other, Architecture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._said)

    def __getstate__(self) -> dict[str, Document]:
        return {"document": self.document}  # all else follows from it

    def __repr__(self) -> str:
        """One line: name, input, parameters and MACs, or that the spec has errors."""
        try:
            report = self.report("network")
        except RescompileError as error:
            count = len(error.diagnostics)
            return f"<{self.name}: {count} error{'s' * (count != 1)}>"
        total = report.total
        return (
            f"<{self.name}: input{'s' * (len(report.inputs) > 1)} {show_inputs(report.inputs)}, "
            f"{total.parameters:,} parameters, "
            f"{total.macs:,} MACs>"
        )

    def _repr_html_(self) -> str | None:
        """The figure and the totals, for a notebook; nothing where the spec has errors."""
        try:
            return self.figure()._repr_html_() + self.report("network").headline()
        except RescompileError:
            return None

    @property
    def weights(self) -> tuple[Published, ...]:
        """The published weights that its spec lists."""
        from .published import entries

        return entries(self.document.spec)

    @cached_property
    def lowered(self) -> Elaborated:
        """The network as the spec has it, with shapes. Raises `SpecError`."""
        with reported_together():
            made = elaborate(lower(self.document))
            spec = self.document.spec
            check_inside(made, spec)
            check_reached(made)
            return elaborate(backbone(made, spec)) if spec.features else made

    @cached_property
    def analysis(self) -> Analysis:
        """The network in numbers, checked. Raises `SpecError`."""
        return self._analysed(NOTHING)

    @cached_property
    def parametric(self) -> Analysis:
        """The network as it is emitted, with what its code leaves open. Raises `SpecError`."""
        return self._analysed(self.varying)

    def _analysed(self, found: Varying) -> Analysis:
        with reported_together():
            analysis = Analysis(fold(self.lowered, found))
            prove(analysis, self.lowered)
            return analysis

    @cached_property
    def varying(self) -> Varying:
        """Which names its code leaves open: arguments of the function that makes the network."""
        return varying(self.lowered)

    def source(self, backend: str = "torch", line_length: int = LINE_LENGTH) -> str:
        """The network as source code, as `ruff format` lays it out with that line length.

        Raises `SpecError` and `UnsupportedError`.
        """
        target = get_backend(backend)
        if line_length not in range(NARROWEST, WIDEST + 1):
            help = f"choose one from {NARROWEST} to {WIDEST}"
            message = f"code cannot have lines of {line_length} columns"
            raise SpecError([Diagnostic("E106", message, help=help)])
        with reported_together(), lines_of(line_length):
            return self.emitted(target)

    def emitted(self, target: Backend) -> str:
        """Source that is proved to be the network, if the backend has a trace.

        Raises `InternalError` where it is not.
        """
        from .emit.validation import validate

        reasons = target.unsupported(self.parametric)
        if reasons:
            raise UnsupportedError(target.title, self.name, reasons)
        source = target.emit(self.request)
        if target.trace is None:
            return source
        validate(target, self.lowered, source)
        other = self.varying.other
        if other is not None:
            env, network = other.network.env, self.parametric.network
            validate(target, other, source, {name: env[name] for name in network.own})
        return source

    @cached_property
    def request(self) -> Request:
        """What a backend is asked to emit."""
        from .emit.contract import Request
        from .heading import summary

        made = summary(self.parametric, self.lowered.network, self.document.spec)
        return Request(self.parametric, made)

    def preprocessing(self, backend: str = "torch", weights: str | None = None) -> str:
        """Source of a function that makes of images what published weights were measured on.

        `weights` names an entry, and is needed where entries differ. Raises `SpecError` and
        `UnsupportedError`.
        """
        from .published import preprocessing

        write = get_backend(backend).preprocessing
        if write is None:
            raise SpecError([lacking(backend, "preprocessing")])
        return write(preprocessing(self.document, weights))

    def report(self, by: str = "stage") -> Report:
        """Its costs, a row for the "network" or each "stage", "block" or "layer"."""
        from .cost.breakdown import VIEWS
        from .cost.report import report

        if by not in VIEWS:
            raise unknown(f"a report has no rows by '{by}'", by, VIEWS)

        return report(self.analysis.elaborated, by)

    def figure(self, style: str = "folded", open: Iterable[str] = ()) -> Figure:
        """A picture of it; see `rescompile.figure.figure`."""
        from .figure import figure

        return figure([self.analysis], style, open)

    def versus(self, other: Architecture | Source) -> Versus:
        """Its costs relative to those of another network, with honest percentages."""
        from .compare.versus import versus

        return versus(self.analysis.elaborated, as_architecture(other).analysis.elaborated)

    def diff(self, other: Architecture | Source) -> Diff:
        """What another network does otherwise, place by place, and what that costs."""
        from .compare.diff import diff

        return diff(self.analysis.elaborated, as_architecture(other).analysis.elaborated)

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

        An nn.Module for "torch", a keras.Model for "keras"; `dtype` is "float16", "bfloat16",
        "float32" or "float64". Tracebacks show the emitted source. The model can be copied and
        pickled, and unpickled wherever rescompile and the framework are installed.
        """
        from .live import import_source, portable

        if dtype not in DTYPES:
            raise unknown(f"live models have no type '{dtype}'", dtype, DTYPES)
        source, runtime = self.source(backend), get_runtime(backend)
        module = import_source(source, backend, self.name)
        return portable(runtime.build(module, self.name, dtype), module)

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


def open_spec(
    spec: Source,
    size: int | str | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    name: str | None = None,
    features: bool | Sequence[int] | None = None,
    set: Mapping[str, Any] | Iterable[str] = (),
) -> Architecture:
    """The architecture that a spec describes. Raises `SpecError` with all that is wrong with it.

    `spec` is a file, the name of a shipped network, the text of a spec (of several lines), "-" for
    standard input, or a mapping with its keys. The rest changes it for once, and what was changed
    stands in the emitted file: the input's `size` in pixels (64, "64x96" or a pair, height first)
    and `channels`, the number of `classes`, the network's `name`, and by `set` any value by its
    place: {"stages.layer3.repeat": 2}, or "stages.layer3.repeat=2" in a list. With `features` it
    is a backbone: without its head it returns the last map at each stride, or at those given,
    [8, 16, 32].

    >>> import rescompile
    >>> rescompile.load("resnet34")
    <resnet34: input 3 x 224 x 224, 21,797,672 parameters, 3,663,761,408 MACs>
    >>> small = rescompile.load("resnet34", size=64, classes=10, set={"stages.layer3.repeat": 2})
    >>> small.report(by="network").total.parameters
    16567114
    >>> print(small.source("keras").splitlines()[2])
    Generated by ...

    A report prints as a table, is a record for programs, and has `text`, `csv`, `json`, `markdown`:

    >>> {row.name: row.cost.macs for row in small.report(by="stage").rows}["layer1"]
    56623104

    `small.module("torch")` is a live nn.Module, `small.figure().save("small.svg")` draws it.
    """
    changes = words(size, channels, classes, name, features, set)
    try:
        if isinstance(spec, Mapping):
            document = load(Path(MAPPING), changes, plain(spec, MAPPING, json_text).encode())
        elif isinstance(spec, str) and spec == STDIN:
            document = load(PATH, changes, standard_input())
        elif isinstance(spec, str) and is_text(spec):
            document = load(Path(TEXT), changes, spec.encode())
        elif isinstance(spec, str | os.PathLike):
            document = load(find(os.fspath(spec)), changes)
        else:
            what = "a path, the name of a network, the text of a spec or a mapping"
            raise TypeError(f"a spec is opened from {what}, not from {type(spec).__name__}")
    except InvalidSpec as error:
        raise SpecError([*error.diagnostics, *_further(error.mended)]) from None
    return Architecture(document)


# What it is called by those who use it: help and pickle look there.
open_spec.__name__ = open_spec.__qualname__ = "load"
open_spec.__module__ = __package__


def opened(nets: Iterable[Architecture | Source]) -> list[Architecture]:
    """Networks that are opened or named. Raises `SpecError` with all that is wrong with any."""
    if isinstance(nets, str | os.PathLike | Mapping | Architecture):  # one is meant, not its parts
        nets = (nets,)
    collector = DiagnosticCollector()
    made: list[Architecture] = []
    for net in nets:
        with collector.part():
            made.append(as_architecture(net))
            made[-1].analysis  # noqa: B018 - what is wrong is told here
    collector.done()
    return made


def as_architecture(net: Architecture | Source) -> Architecture:
    """A network that was opened already, or that is opened now. Raises `SpecError`."""
    return net if isinstance(net, Architecture) else open_spec(net)


def unknown(message: str, word: object, known: Iterable[str]) -> SpecError:
    """The error for a word that is none of those known."""
    return SpecError([Diagnostic("E106", message, help=did_you_mean(str(word), known))])


def _further(mended: Document | None) -> tuple[Diagnostic, ...]:
    """What is wrong with the names of a spec whose slips are told already."""
    if mended is None:
        return ()
    try:
        lower(mended)
    except RescompileError as error:
        return tuple(found for found in error.diagnostics if found.code != "E107")
    return ()
