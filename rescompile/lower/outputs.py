"""What a network returns: each of `outputs` is a step of its own, and no step comes after them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Diagnostic, did_you_mean
from ..expr.dims import ExprError, evaluate
from ..ir.structure import CLASSES, From, Join, Loop, Node, Residual, Stage
from ..language.models import Spec


def check_outputs(spec: Spec, stages: Sequence[Stage], found: list[Diagnostic]) -> None:
    """Report outputs that are no steps, and steps that no output needs; all steps have names."""
    body = [node for stage in stages for node in stage.body if _taken(spec, node)]
    every = {_name(node): node for stage in stages for node in stage.body}
    taken = {_name(node) for node in body}
    for i, name in enumerate(spec.outputs):
        at, help = spec.at("outputs", i), ""
        if name not in every:
            message = f"there is no step named '{name}' to return"
            help = did_you_mean(name, [known for known in every if known])
        elif name in spec.outputs[:i]:
            message = f"the output '{name}' stands twice"
            help = "remove one of them"
        elif name not in taken:
            message = f"the output '{name}' is not part of the network: its `when` is false"
            help = "return another step, or change the condition"
        else:
            continue
        found.append(Diagnostic("E106", message, at, help=help))
    last = max((i for i, node in enumerate(body) if _name(node) in spec.outputs), default=len(body))
    if last < len(body) - 1:
        message = f"nothing after the last output, '{_name(body[last])}', is returned"
        help = "remove this step and those after it (`head: []` if they are a base's), or return it"
        found.append(Diagnostic("E210", message, body[last + 1].at, help=help))


def _name(node: Node) -> str | None:
    return None if isinstance(node, (Loop, From)) else node.name


def _taken(spec: Spec, node: Node) -> bool:
    """Whether a step of the network's own is there; a condition without a value is not ours."""
    if isinstance(node, (Loop, Join, Residual, From)):
        return True
    try:
        return bool(evaluate(node.when, {CLASSES: spec.classes or 0}))
    except ExprError:
        return True
