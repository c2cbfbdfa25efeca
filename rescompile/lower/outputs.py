"""What a network returns: each of `outputs` is a step of its own, and no step comes after them.

Steps of groups have names once the network is elaborated: `check_inside` sees those.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from ..errors import Diagnostic, SpecError, did_you_mean
from ..expr.dims import ExprError, evaluate
from ..ir.nodes import From, Group, Join, Loop, Node, Residual, Reuse, gives_several
from ..ir.structure import CLASSES, Stage
from ..ir.taps import ends, is_group, taps
from ..ir.trace import Elaborated, GroupTrace
from ..ir.walk import shared
from ..language.models import Spec


def check_outputs(spec: Spec, stages: Sequence[Stage], found: list[Diagnostic]) -> None:
    """Report outputs that are no steps, and steps that no output needs; all steps have names."""
    body = [node for stage in stages for node in stage.body if _taken(spec, node)]
    every = {_name(node): node for stage in stages for node in stage.body}
    every |= {_name(node): node for node in body}  # of alternatives the one that is there
    taken = {_name(node) for node in body}
    for i, output in enumerate(spec.outputs):
        wrong = "", ""
        if output in spec.outputs[:i]:
            wrong = f"the output '{output}' stands twice", "remove one of them"
        message, help = _unknown(output, every, taken) or wrong
        if message:
            found.append(Diagnostic("E106", message, spec.at("outputs", i), help=help))
    heads = {_step(output, every) for output in spec.outputs}
    last = max((i for i, node in enumerate(body) if _name(node) in heads), default=len(body))
    if last < len(body) - 1:
        found.append(_unused(str(_name(body[last])), body[last + 1]))


def _unknown(
    output: str, every: Mapping[str | None, Node], taken: Container[str | None]
) -> tuple[str, str] | None:
    """Why an output is no step that can be returned, or the inside of none, and what to do."""
    name = _step(output, every)
    inside = output != name
    if name not in every:
        known = [known for known in every if known]
        return f"there is no step named '{name}' to return", did_you_mean(name, known)
    if name not in taken:
        message = f"the output '{output}' is not part of the network: its `when` is false"
        return message, "return another step, or change the condition"
    node = every[name]
    if gives_several(node):
        if output in node.leaving:
            return None
        message = f"'{name}' gives several values, of which none is '{output}'"
        return message, f"return {', '.join(node.leaving)}, or some of them"
    if inside and not isinstance(node, Group):
        message = f"'{name}' is no group: what is inside of it cannot be returned"
        return message, f"return '{name}', or write what is inside of it as steps of the network"
    if inside and name in shared(tuple(every.values())):
        message = f"the group '{name}' is applied again: what is inside of it cannot be returned"
        return message, f"return '{name}', or write its steps twice"
    if inside and isinstance(node, Group) and node.when is not True:
        message = f"the group '{name}' has a condition: what is inside of it need not be there"
        return message, f"return '{name}', or remove the condition"
    return None


def _step(output: str, every: Container[str | None]) -> str:
    """The step of the network's own that an output is, or is inside of."""
    return output if output in every else output.partition(".")[0]


def check_inside(elaborated: Elaborated, spec: Spec) -> None:
    """Raise `SpecError` for outputs in groups that are no values, and for steps that none needs."""
    groups = {item.name: item for item in elaborated.root.items if is_group(item)}
    found: list[Diagnostic] = []
    for i, output in enumerate(spec.outputs):
        name, dot, inside = output.partition(".")
        inner = dot and name in groups
        known = [tap.output for tap in ends(groups[name], elaborated.root.ends)] if inner else []
        if inner and output not in known:
            message, help = _missing(groups[name], inside, known)
            found.append(Diagnostic("E106", message, spec.at("outputs", i), help=help))
    found = found or list(_inside_unused(elaborated, spec.outputs))
    if found:
        raise SpecError(found)


def _missing(group: GroupTrace, inside: str, known: Sequence[str]) -> tuple[str, str]:
    """Why there is no such value, and which ones there are."""
    near = f"its steps end at {', '.join(known)}"
    if inside in {item.name for item in group.items}:
        message = f"'{group.name}.{inside}' lies inside of a block or its repetitions"
        return message, f"{near}; write what is inside of the block as steps of the group"
    return f"the group '{group.name}' has no step '{inside}'", near


def _inside_unused(elaborated: Elaborated, outputs: Sequence[str]) -> Iterator[Diagnostic]:
    """The steps of the last group that come after all outputs, where no whole step is returned."""
    last = elaborated.root.items[-1] if elaborated.root.items else None
    if last is None or not is_group(last) or last.name in outputs:
        return
    taken = taps(elaborated).get(last.node.id, ())
    body = last.node.body if isinstance(last.node, Group) else ()
    if taken and taken[-1].stop < len(body):
        yield _unused(taken[-1].output, body[taken[-1].stop])


def _unused(last: str, after: Node) -> Diagnostic:
    message = f"nothing after the last output, '{last}', is returned"
    help = "remove this step and those after it (`head: []` if they are a base's), or return it"
    return Diagnostic("E210", message, after.at, help=help)


def _name(node: Node) -> str | None:
    return None if isinstance(node, (Loop, From)) else node.name


def _taken(spec: Spec, node: Node) -> bool:
    """Whether a step of the network's own is there; a condition without a value is not ours."""
    if isinstance(node, (Loop, Join, Residual, From, Reuse)):
        return True
    try:
        return bool(evaluate(node.when, {CLASSES: spec.classes or 0}))
    except ExprError:
        return True
