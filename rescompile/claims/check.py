"""The claims of specs, decided: joins what a spec says to what the analysis counts.

The only module that sees both. A claim about a step or a spec that does not exist is an error of
the spec, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from ..api import Architecture, open_spec
from ..cost.cost import Costs
from ..errors import Diagnostic, DiagnosticCollector, Location, SpecError, did_you_mean
from ..ir.trace import Elaborated, Trace
from ..language.load import load, reference
from ..language.models import Claim
from ..language.printed import Kind, read_figure, read_size
from ..table import percent
from .judge import Judgement, Verdict, judge, judge_ratio, measure, quantities, step_of, times
from .verdicts import Finding, Findings

LABELS = {"layers": "layers", "parameters": "parameters", "macs": "MACs"}


def check(specs: Iterable[str], opened: Callable[[str], Architecture] = open_spec) -> Findings:
    """The verdict on each claim of these specs, as they are `opened`. Raises `SpecError`."""
    checker, collector = _Checker(), DiagnosticCollector()
    names: list[str] = []
    found: list[Finding] = []
    for spec in specs:
        with collector.part():
            net = opened(spec)
            names.append(net.name)
            found.extend(checker.findings(net))
    collector.done()
    return Findings(tuple(names), tuple(found))


def judged(nets: Iterable[Architecture]) -> Findings:
    """The verdict on each claim of these networks. Raises `SpecError`."""
    checker, nets = _Checker(), tuple(nets)
    found = tuple(finding for net in nets for finding in checker.findings(net))
    return Findings(tuple(net.name for net in nets), found)


class _Checker:
    """Decides claims; remembers the networks that others are compared with."""

    def __init__(self) -> None:
        self.known: dict[Path, Elaborated] = {}

    def findings(self, net: Architecture) -> Iterator[Finding]:
        """One finding for each figure that a spec claims, in its order."""
        self.known[net.document.path.resolve()] = net.analysis.elaborated
        for claim in net.document.spec.claims:
            if claim.outputs is not None:
                yield from _outputs(net, claim)
            elif claim.relation is not None:
                yield self.relation(net, claim, *claim.relation)
            else:
                label = LABELS[claim.quantity]
                if claim.step is None:
                    exact = measure(net.analysis.elaborated, claim.quantity, claim.counts)
                else:
                    step = _step(net, claim.step, claim.at("step"))
                    exact = quantities(Costs().total([step]))[claim.quantity]
                    label = f"{label} of {claim.step}"
                judgement = judge(claim.figure, exact)
                yield _finding(net, claim, label, f"{exact:,}", exact, judgement)

    def relation(self, net: Architecture, claim: Claim, key: str, name: str) -> Finding:
        """A claim about two networks: `key` is `of`, `below` or `equals`, `name` the other."""
        path = reference(name, net.document.path, claim.at(key)).resolve()
        if path not in self.known:
            self.known[path] = Architecture(load(path)).analysis.elaborated
        ours, theirs = (
            measure(elaborated, claim.quantity, claim.counts)
            for elaborated in (net.analysis.elaborated, self.known[path])
        )
        label, values = LABELS[claim.quantity], (ours, theirs)
        if key != "of":
            holds, sign = (ours < theirs, "<") if key == "below" else (ours == theirs, "=")
            verdict = Verdict.HOLDS if holds else Verdict.FAILS
            judgement = Judgement(verdict, f"{name} has {theirs:,}")
            return _finding(net, claim, f"{label} {sign} {name}", f"{ours:,}", values, judgement)
        if not theirs:
            message = f"'{name}' has no {label}, so there is no ratio to it"
            help = "compare with a network that has some"
            raise SpecError([Diagnostic("E106", message, claim.at("of"), help=help)])
        figures = [figure for text in claim.figures if (figure := read_figure(text))]
        judgement = judge_ratio(claim.figure, ours, theirs, figures)
        ratio, factor = Fraction(ours, theirs), claim.figure.kind is Kind.TIMES
        exact = times(ratio, 3) if factor else percent(100 * ratio, 3)
        return _finding(net, claim, f"{label} / {name}", exact, values, judgement)


def _outputs(net: Architecture, claim: Claim) -> Iterator[Finding]:
    """A finding for each map: height, width and, if it is printed, channels."""
    for step, printed in (claim.outputs or {}).items():
        shape = _step(net, step, claim.at("outputs", step)).y
        wanted = read_size(printed) or ()
        size = (*shape[1:], shape[0])[: len(wanted)]
        verdict = Verdict.HOLDS if size == wanted else Verdict.FAILS
        exact = "x".join(map(str, size))
        label = f"output of {step}"
        yield _finding(net, claim, label, exact, size, Judgement(verdict), printed)


def _step(net: Architecture, path: str, at: Location | None) -> Trace:
    """The step at a dotted path. Raises `SpecError` where there is none."""
    found, known = step_of(net.analysis.elaborated, path)
    if found is None:
        message, help = f"there is no step named '{path}'", did_you_mean(path, known)
        raise SpecError([Diagnostic("E106", message, at, help=help)])
    return found


def _finding(
    net: Architecture,
    claim: Claim,
    label: str,
    exact: str,
    value: int | tuple[int, ...],
    judgement: Judgement,
    printed: str = "",
) -> Finding:
    counted = f"counting {' + '.join(claim.counts)}".replace("_", " ") if claim.counts else ""
    return Finding(
        spec=net.name,
        title=f"{net.document.spec.title or net.name} ({net.document.cited})",
        claim=label,
        printed=printed or claim.printed,
        exact=exact,
        value=value,
        judgement=judgement,
        where=claim.where,
        counted=counted,
        about=claim.about,
    )
