"""Lowering of the whole network: its stages, its parameters, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Diagnostic, SpecError, did_you_mean
from ..ir.expr import Dim, ExprError, evaluate
from ..ir.structure import CLASSES, IN_CHANNELS, Initializer, Join, Loop, Network, Residual, Stage
from ..spec.load import Document
from ..spec.models import InitSpec, Spec, Step
from .names import assign_names
from .scope import Scope
from .steps import Steps


def lower(document: Document) -> Network:
    """The network that a spec describes. Raises `SpecError` with everything that is wrong."""
    spec = document.spec
    found: list[Diagnostic] = []
    values, words = _parameters(spec, found)
    steps = Steps(spec, values, words, found)
    stages = _stages(spec, steps, _scope(spec, values, words))
    if not stages and not found:
        help = "add `stages:` with at least one step"
        found.append(Diagnostic("E111", "the network has no steps", spec.at(), help=help))
    named = assign_names([stage.body for stage in stages], found)
    stages = [Stage(s.label, body) for s, body in zip(stages, named, strict=True)]
    _check_outputs(spec, stages, found)
    if found:
        raise SpecError(dict.fromkeys(found))
    return Network(
        name=spec.name,
        input=(spec.input.channels, spec.input.height, spec.input.width),
        stages=tuple(stages),
        blocks=steps.blocks,
        classes=spec.classes,
        title=spec.title or spec.name,
        source=spec.source,
        spec=document.cited,
        outputs=tuple(spec.outputs),
        conv_init=_initializer(spec.defaults.init.conv),
        linear_init=_initializer(spec.defaults.init.linear),
    )


def _parameters(spec: Spec, found: list[Diagnostic]) -> tuple[dict[str, Dim], dict[str, Any]]:
    """The network's own parameters: numbers, and words."""
    values: dict[str, Dim] = {}
    words: dict[str, Any] = {}
    for name, value in spec.parameters.items():
        if isinstance(value, (bool, int, float)):
            values[name] = value
        elif isinstance(value, str) and "$" not in value:
            words[name] = value
        else:
            message = f"the parameter '{name}' of the network is neither a number nor a word"
            found.append(Diagnostic("E112", message, spec.at("parameters", name)))
    if spec.shortcut is not None:
        words["shortcut"] = spec.shortcut
    return values, words


def _scope(spec: Spec, values: dict[str, Dim], words: dict[str, Any]) -> Scope:
    symbolic: dict[str, Any] = {CLASSES: int} if spec.classes is not None else {}
    values = {**values, IN_CHANNELS: spec.input.channels}
    return Scope(spec.name, False, symbolic, values, words, spec.input.channels)


def _stages(spec: Spec, steps: Steps, scope: Scope) -> list[Stage]:
    return [Stage(label, steps.body(part, scope)) for label, part in _rows(spec) if part]


def _rows(spec: Spec) -> Iterator[tuple[str, list[Step]]]:
    """The rows of the network's table, with their labels."""
    yield "stem", spec.stem
    for i, step in enumerate(spec.stages):
        yield step.name or step.block or f"{step.word}{i + 1}", [step]
    yield "head", spec.head


def _check_outputs(spec: Spec, stages: list[Stage], found: list[Diagnostic]) -> None:
    nodes = {n.name: n for s in stages for n in s.body if not isinstance(n, Loop) and n.name}
    for i, name in enumerate(spec.outputs):
        node, at, help = nodes.get(name), spec.at("outputs", i), ""
        if node is None:
            message = f"there is no step named '{name}' to return"
            help = did_you_mean(name, nodes)
        elif name in spec.outputs[:i]:
            message = f"the output '{name}' stands twice"
            help = "remove one of them"
        elif not isinstance(node, (Join, Residual)) and not _taken(spec, node.when):
            message = f"the output '{name}' is not part of the network: its `when` is false"
            help = "return another step, or change the condition"
        else:
            continue
        found.append(Diagnostic("E106", message, at, help=help))


def _taken(spec: Spec, when: Dim) -> bool:
    """Whether a condition of the network's own scope holds; one without a value is not ours."""
    try:
        return bool(evaluate(when, {CLASSES: spec.classes or 0}))
    except ExprError:
        return True


def _initializer(spec: InitSpec) -> Initializer:
    mode = spec.mode if spec.kind == "kaiming_normal" else ""
    return Initializer(spec.kind, mode, spec.std if spec.kind == "normal" else 0.0)
