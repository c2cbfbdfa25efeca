"""Everything that must hold for a spec that the compiler accepts.

Both frameworks are in this process (Keras runs on PyTorch), so that a network takes a tenth of a
second. The process is a child of the tests (see `bench`), since TensorFlow may be in theirs.
"""

from __future__ import annotations

import ast
import math
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ruff.__main__ import find_ruff_bin

from rescompile.api import Architecture, open_spec
from rescompile.errors import SpecError, UnsupportedError
from rescompile.figure import STYLES
from rescompile.ir.structure import Path as Steps
from rescompile.ir.trace import OpTrace
from rescompile.language.format import canonical
from rescompile.live import import_source
from rescompile.ops import BatchNorm, Dropout, GroupNorm, LayerNorm, StochasticDepth
from rescompile.reference.deviation import Arrays, deviations, worst
from rescompile.registry import backend_names, get_backend
from rescompile.verify.case import Case
from rescompile.verify.checks import NOISE
from rescompile.verify.executors import Executor, Framework, Reference
from rescompile.worker.job import listed, named, numbered, packed, unpacked

from ..figure.conftest import crossing, overlapping
from .count_torch import called, count

ROOT = Path(__file__).parents[2]
# Relative errors in float64; where one is missed, ten times the reference's noise is allowed.
EVALUATION = 1e-10
TRAINING = 1e-8  # statistics of few values are ill-conditioned
GRADIENTS = 1e-7  # which may be all but nothing: a scale before a normalisation has none
HUGE = 1e30
# Backends that commands do not take by default may need seconds for each network: all are emitted
# and proved in any case, and `make fuzz` runs them too.
THOROUGH = "RESCOMPILE_FUZZ" in os.environ
MOST_MACS, MOST_VALUES = 20_000_000, 400_000  # what takes longer than a test may
MOST_CHANNELS = 2048  # of maps: frameworks write kernels of groups out, 8,192 squared take 10 GB


class Disagreement(Exception):
    """What does not hold: `what` in a few words that are alike for alike faults, and the rest."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"{what}\n{detail}".strip())
        self.what = what


class TooLarge(Exception):
    """The network would take too long."""


def expect(holds: bool, what: str, detail: str = "") -> None:
    if not holds:
        raise Disagreement(what, detail)


def check(path: Path) -> None:
    """Put the spec through everything.

    Raises `Disagreement`, `TooLarge`, and a `RescompileError` where the compiler refuses it.
    """
    net = open_spec(path)
    total = net.report("network").total
    values, channels = zip(*_sizes(net), strict=True)
    if total.macs > MOST_MACS or max(values) > MOST_VALUES or max(channels) > MOST_CHANNELS:
        raise TooLarge
    try:
        check_taken(net, path)
    except SpecError as error:
        what = f"refused after all: {error.diagnostics[0].code}"
        raise Disagreement(what, str(error)) from None


def check_taken(net: Architecture, path: Path) -> None:
    """Put a network that the compiler takes through everything."""
    check_descriptions(net, path)
    sources, refused = check_sources(net)
    reference = Reference(Case(str(path), net, None, {}))
    calm = _is_calm(reference)
    for backend, source in sources.items() if calm else ():
        if THOROUGH or get_backend(backend).by_default:
            check_model(Here(backend, source, net), reference)
    for backend, error in refused.items():  # last: wrong numbers are worse
        expect(not _avoidable(error), f"{backend} refuses a parameter's name", str(error))
    for backend, source in sources.items():
        check_style(net.name, backend, source)
    if not calm:
        raise TooLarge


def _is_calm(reference: Reference) -> bool:
    """Whether values stay of a size to compare: products of products of themselves do not.

    A norm makes them small again, but not the gradients of what had no finite variance.
    """
    seen = (reference.values(training) for training in (False, True))
    found = [array for answer in (reference.running(), *seen) for array in answer.values()]
    return all(np.isfinite(array).all() and np.abs(array).max() < HUGE for array in found)


def _sizes(net: Architecture) -> Iterator[tuple[int, int]]:
    """The values that leave each operation, and the channels if it is a map."""
    yield 0, 0
    for _, trace in net.analysis.elaborated.flat():
        yield math.prod(trace.y), trace.y[0] if trace.y[1:] else 0


# Text: reports, resolved specs, canonical form, source files.


def check_descriptions(net: Architecture, path: Path) -> None:
    """Reports, warnings, canonical form, and one resolved file that says the same."""
    totals = {by: net.report(by).total for by in ("network", "stage", "block", "layer")}
    expect(len(set(map(str, totals.values()))) == 1, "reports differ", str(totals))
    for render in ("text", "markdown", "json", "csv"):
        getattr(net.report("block"), render)()
    net.warnings()
    for style in STYLES:
        scene = net.figure(style).scene
        expect(not list(overlapping(scene)), f"a {style} figure overlaps")
        expect(not list(crossing(scene)), f"a line of a {style} figure crosses a box")
    for file in sorted(path.parent.glob("*.yaml")):
        text = canonical(file.read_bytes(), file.name)
        expect(canonical(text.encode(), file.name) == text, "the canonical form is not stable")
    with tempfile.TemporaryDirectory() as folder:
        resolved = Path(folder) / path.name
        resolved.write_text(net.resolved(), "utf-8")
        again = open_spec(resolved)
        expect(
            replace(again.analysis.network, spec=net.analysis.network.spec) == net.analysis.network,
            "the resolved spec is another network",
        )


def check_sources(
    net: Architecture,
) -> tuple[dict[str, str], dict[str, UnsupportedError]]:
    """The source of each backend that takes the network, which compiles; why others do not."""
    sources: dict[str, str] = {}
    refused: dict[str, UnsupportedError] = {}
    for backend in backend_names():
        try:
            source = net.source(backend)
        except UnsupportedError as error:
            refused[backend] = error
            continue
        try:
            compile(source, f"{backend}.py", "exec")
        except (SyntaxError, ValueError) as error:
            what = f"{backend}: {type(error).__name__}: {error.args[0]}"
            raise Disagreement(what, f"{error}\n{source}") from None
        check_texts(net, backend, ast.parse(source))
        sources[backend] = source
    return sources, refused


def _avoidable(error: UnsupportedError) -> bool:
    """Whether a file was refused for a parameter's name, which its code can choose by itself."""
    return any("its code needs the name" in reason for reason in error.reasons)


def check_texts(net: Architecture, backend: str, tree: ast.Module) -> None:
    """What the spec tells of itself stands in the module's docstring, letter by letter."""
    found = _bare(ast.get_docstring(tree, clean=False) or "")
    network = net.analysis.network
    for text in (network.title, network.source):
        wanted = _bare(text)
        expect(wanted in found, f"{backend}: a text is not as it was", f"{wanted}\n{found}")


def _bare(text: str) -> str:
    """A text without space, which may be wrapped, and with the quotes that end no docstring."""
    return "".join(text.split()).replace('"', "'")


def check_style(name: str, backend: str, source: str) -> None:
    """Ruff has nothing to change."""
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
    config += ["--stdin-filename", f"{name}.py"]
    # A step called `assert` is no method of a test (UP005, PT009).
    lint = ["check", "--ignore", "RUF,UP005,PT009", "--output-format", "concise"]
    for command in (["format", "--diff"], lint):
        done = subprocess.run(
            [find_ruff_bin(), *command, *config, "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        rule = done.stdout.partition(": ")[2].split(" ")[0] if command is lint else ""
        what = f"{backend}: ruff {command[0]} {rule}".strip()
        expect(done.returncode == 0, what, done.stdout + done.stderr)


# Numbers: counts, outputs, training.


@dataclass
class Here:
    """A backend's model in this process, under the interface of a worker's."""

    backend: str
    source: str
    net: Architecture

    @property
    def label(self) -> str:
        return self.backend

    @cached_property
    def runtime(self) -> Any:
        return get_backend(self.backend).runtime()

    @cached_property
    def model(self) -> Any:
        module = import_source(self.source, self.backend, self.net.name)
        self.runtime.seed(0)
        return self.runtime.build(module, self.net.name, "float64")

    def about(self, subject: Any, action: str, arrays: Arrays, **options: Any) -> Arrays:
        """A job of a worker: `run` or `step`."""
        analysis, images = self.net.analysis, unpacked("images", arrays)
        if action == "run":
            return numbered("output", self.runtime.run(self.model, images, options["training"]))
        self.runtime.quiet(self.model)
        made = self.runtime.step(self.model, analysis, images, listed("target", arrays))
        weights = self.runtime.get_weights(self.model, analysis)
        running = {path: array for path, array in weights.items() if path not in made.gradients}
        return {
            **numbered("output", made.outputs),
            **named(made.gradients, "gradient:"),
            **named(running, "running:"),
            **packed("input_gradient", made.input_gradient),
        }


def check_model(here: Here, reference: Reference) -> None:
    """A backend's model: counts, rates, and the numbers that it computes."""
    try:
        here.runtime.set_weights(here.model, here.net.analysis, reference.weights)
        framework = Framework(here, reference, "float64")  # type: ignore[arg-type]
        check_counts(here)
        traces = [trace for _, trace in here.net.analysis.elaborated.flat()]
        amplified = any(isinstance(trace.op, BatchNorm) for trace in traces)
        vanishing = amplified and any(map(_normalises_one, traces))
        asked = QUESTIONS[:-1] if vanishing else QUESTIONS
        if get_backend(here.backend).no_training:
            asked = QUESTIONS[:1]
        for what, bound, ask in asked:
            compare(what, bound, ask, framework, reference)
    except Disagreement as error:
        raise Disagreement(f"{here.backend}: {error.what}", str(error)) from None
    except Exception as error:
        what = f"{here.backend}: {type(error).__name__}: {_first_line(error)}"
        raise Disagreement(what, f"{here.source}\n{_last_frames(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _last_frames(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error)[-4:])


def check_counts(here: Here) -> None:
    """Parameters and multiply-adds by the framework's own counter, and the rates of what drops."""
    net, total = here.net, here.net.report("network").total
    told = _rates(net)
    wanted = {"parameters": total.parameters, "macs": total.macs}
    found, own = COUNTERS.get(here.backend, _by_runtime)(here, list(told))
    agrees = all(wanted[what] == number for what, number in found.items())
    expect(agrees, "counts", f"{found} counted, {wanted} told")
    drawn = {round(rate, 9) for rate in own if isinstance(rate, float) and rate}
    rates = {round(rate, 9) for rate in told.values()}
    expect(drawn == rates, "rates", f"{drawn}, not {rates}")


Counted = tuple[dict[str, int], set[Any]]  # figures, and what layers hold for rates


def _by_torch(here: Here, paths: list[Steps]) -> Counted:
    shapes = here.net.analysis.network.inputs.values()
    found, modules = count(here.model, shapes), called(here.model, shapes)
    return found, {getattr(module, key, None) for module in modules for key in ("p", "rate")}


def _by_keras(here: Here, paths: list[Steps]) -> Counted:
    parameters = sum(v.value.numel() for v in here.model.trainable_variables)
    return {"parameters": parameters}, {getattr(one, "rate", None) for one in _layers(here.model)}


def _layers(model: Any) -> Iterator[Any]:
    """The layers of a Keras model, and of the models in it, which are applied more than once."""
    for layer in model.layers:
        yield layer
        yield from _layers(layer) if hasattr(layer, "layers") else ()


def _by_runtime(here: Here, paths: list[Steps]) -> Counted:
    """Of frameworks without a counter: what a model holds."""
    held = here.runtime.get_weights(here.model, here.net.analysis)
    running = ("running_mean", "running_var")
    parameters = sum(array.size for path, array in held.items() if path[-1] not in running)
    if get_backend(here.backend).no_training:  # which drops nothing
        return {"parameters": parameters}, {*_rates(here.net).values()}
    rates = here.runtime.rates(here.model, here.net.analysis, paths)
    return {"parameters": parameters}, set(rates.values())


def _rates(net: Architecture) -> dict[Steps, float]:
    """What drops, with its rate, which is not zero."""
    return {
        path: trace.op.rate
        for path, trace in net.analysis.elaborated.flat()
        if isinstance(trace.op, (Dropout, StochasticDepth)) and trace.op.rate
    }


COUNTERS = {"torch": _by_torch, "keras": _by_keras}


def compare(
    what: str,
    bound: float,
    ask: Callable[[Executor], Arrays],
    framework: Framework,
    reference: Reference,
) -> None:
    """A framework answers as the reference does, with the same shapes."""
    found = worst(deviations(ask(framework), ask(reference)))
    if found.error >= bound:
        noise = reference.noise(ask)
        told = f"{found.values()}: {found.error:.1e}, where noise is {noise:.1e}"
        expect(found.error < NOISE * noise, what, told)


def _normalises_one(trace: OpTrace) -> bool:
    """Whether a norm is over a single value, so that the gradient of its scale is but rounding.

    It is nothing at all in the reference, and a batch norm behind it makes what it is elsewhere a
    thousand times larger.
    """
    if isinstance(trace.op, GroupNorm):
        return math.prod(trace.x) == trace.op.groups
    return isinstance(trace.op, LayerNorm) and trace.x[0] == 1


QUESTIONS: tuple[tuple[str, float, Callable[[Executor], Arrays]], ...] = (
    ("outputs", EVALUATION, lambda executor: executor.evaluation()),
    ("outputs in training", TRAINING, lambda executor: executor.training()),
    ("running statistics", TRAINING, lambda executor: executor.running()),
    ("gradients", GRADIENTS, lambda executor: executor.gradients()),
)
