"""Where values go: what `from` may go back to, and that nothing is computed for nobody.

A `from` sees what comes in, and the steps before it in its own list and in the lists around it,
within one block's body or the network's own steps. It sees neither into blocks, groups and other
branches nor out of a residual, whose shortcut depends on what its branch does to the shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from ..errors import Diagnostic, Location, did_you_mean
from ..ir.structure import (
    INPUT,
    Call,
    From,
    Group,
    Join,
    Layer,
    Loop,
    Node,
    Residual,
    children,
    forgets,
    is_repeated,
    is_several,
    walk,
)
from ..language.models import BlockSpec

Body = tuple[Node, ...]
Visible = Mapping[str, Node | None]  # steps, and inputs, which are no nodes


def check_values(
    bodies: Iterable[Body],
    outputs: Iterable[str],
    found: list[Diagnostic],
    inputs: Mapping[str, Location | None],
) -> None:
    """Report what is wrong with the values of one scope, whose lists are `bodies` in order.

    Names are the spec's own here. `outputs` are the steps whose values the network returns,
    `inputs` what comes in, with its places: the first step starts from it where it is one.
    """
    body = tuple(node for part in bodies for node in part)
    check = _Check(body, found)
    check.body(body, dict.fromkeys(inputs), ())
    check.unused(body, check.taken.union(outputs))
    check.inputs(body, inputs)
    check.last(body, outputs)


def check_given(bodies: Iterable[Body], spec: BlockSpec, found: list[Diagnostic]) -> None:
    """Report what a block cannot give of its `outputs`, and steps that none of them needs."""
    body = [node for part in bodies for node in part]
    steps = {name: node for node in body for name in _names(node)}
    for i, output in enumerate(spec.outputs):
        at, node = spec.at("outputs", i), steps.get(output)
        if output not in steps and output not in (spec.inputs or [INPUT]):
            help = did_you_mean(output, [*steps, *spec.inputs])
            message = f"there is no step named '{output}' in the block's own list to give"
            found.append(Diagnostic("E106", message, at, help=help))
        elif node is not None and _is_conditional(node):
            message = f"the step '{output}' has a condition: it need not be there"
            help = f"put '{output}' into a block, and name the call of the block"
            found.append(Diagnostic("E210", message, at, help=help))
    last = body[-1] if body else None
    if last is not None and spec.outputs and not _names(last) & {*spec.outputs}:
        message = "nothing after the last output is given"
        help = "remove this step, or name it among the `outputs`"
        found.append(Diagnostic("E210", message, last.at, help=help))


BLIND = "it sees what comes in and the named steps before it, and nothing outside of its block"


class _Check:
    def __init__(self, body: Body, found: list[Diagnostic]) -> None:
        self.found = found
        self.every = {name for node in walk(body) for name in _names(node)}
        self.taken: set[str] = set()

    def body(self, nodes: Body, visible: Visible, around: Body) -> None:
        """Check one list of nodes, and what is inside of them; `around` comes after the list."""
        seen = dict(visible)
        for i, node in enumerate(nodes, 1):
            later = (*nodes[i:], *around)
            if isinstance(node, From):
                self.source(node.source, node, seen, later)
            elif is_several(node):
                for name in node.sources:
                    self.source(name, node, seen, later)
            elif isinstance(node, Join):
                for part in children(node):
                    self.inner(part)
                    self.body(part, seen, later)
            elif isinstance(node, Residual):
                for part in children(node):
                    self.inner(part)
                    self.body(part, {}, ())
            seen.update(dict.fromkeys(_names(node), node))

    def inner(self, nodes: Body) -> None:
        """Refuse, in the parts of joins and residuals, calls that name values."""
        for node in nodes:
            if is_several(node):
                message = f"'{node.block}' takes or gives several values, which no branch does"
                help = "write the call before the join, and go back to what it gives"
                self.report(message, node.at, help)

    def source(self, name: str, node: From | Call, seen: Visible, later: Body) -> None:
        self.taken.add(name)
        step = seen.get(name)
        if name not in seen:
            help = did_you_mean(name, seen) if any(seen.values()) else BLIND
            if any(name in _names(after) for after in later):
                message = f"the step '{name}' comes later than this `from`"
                help = "a value is there only after its step"
            elif several := next((v for v in seen if v and v.startswith(f"{name}.")), ""):
                message = f"the step '{name}' gives several values"
                help = f"say which one is meant: `{several}`"
            elif name in self.every:
                message = f"`from` does not see the step '{name}'"
                help = (
                    "it sees earlier steps of its own list and of the lists around it, not those "
                )
                help += "in other branches and groups, and none outside of a residual"
            else:
                message = f"there is no step named '{name}' before this `from`"
            self.report(message, node.at, help)
        elif step is not None and _is_conditional(step):
            help = f"put '{name}' into a block, and name the call of the block"
            self.report(f"the step '{name}' has a condition: it need not be there", node.at, help)

    def unused(self, nodes: Body, used: set[str]) -> None:
        """Report values that a `from` drops though nobody has seen them, and several at once."""
        for before, node in pairwise(nodes):
            if is_several(before) and before.outputs and not forgets(node):
                message = f"'{before.name}' gives several values, and this step does not say which"
                help = f"write `- from: {before.leaving[0]}` before it"
                self.report(message, node.at, help)
            if forgets(node) and not _names(before) & used:
                message = "what the step before this computes goes nowhere"
                help = "name that step and return it, as in `outputs: [NAME]`, or remove it"
                self.report(message, node.at, help)
        for node in nodes:
            if isinstance(node, (Join, Residual)):
                for part in children(node):
                    self.unused(part, used)

    def last(self, body: Body, outputs: Iterable[str]) -> None:
        """Report several values at the end of a scope that does not say which it gives."""
        if body and is_several(body[-1]) and body[-1].outputs and not list(outputs):
            message = f"'{body[-1].name}' gives several values, and nothing says which are meant"
            help = f"write `- from: {body[-1].leaving[0]}` after it, or name `outputs`"
            self.report(message, body[-1].at, help)

    def inputs(self, body: Body, inputs: Mapping[str, Location | None]) -> None:
        """Report inputs that nothing reads, and names that mean a step and an input."""
        for node in walk(body):
            for name in _names(node) & inputs.keys():
                if name in self.taken or name != INPUT:
                    message = f"the name '{name}' means this step and an input"
                    help = f"call the step '{name}_1', say"
                    self.found.append(Diagnostic("E106", message, node.at, help=help))
        if len(inputs) < 2:
            return
        if body and not forgets(body[0]):
            message = "several inputs come in, and this step does not say which one it takes"
            help = f"write `- from: {next(iter(inputs))}` before it"
            self.report(message, body[0].at, help)
            return
        for name in (name for name in inputs if name not in self.taken):
            help = f"write `- from: {name}` where it is needed, or remove the input"
            self.report(f"nothing reads the input '{name}'", inputs[name], help)

    def report(self, message: str, at: Location | None, help: str) -> None:
        self.found.append(Diagnostic("E210", message, at, help=help))


def _names(node: Node) -> set[str]:
    """The name of a node's own value, if the spec gives one, or those of several."""
    if isinstance(node, (Loop, From)) or not node.name:
        return set()
    return set(node.leaving) if is_several(node) and node.outputs else {node.name}


def _is_conditional(node: Node) -> bool:
    """Whether a step may be missing; of one that is repeated 0 times elaboration tells."""
    if isinstance(node, Call):
        return node.when != is_repeated(node.repeat)
    return isinstance(node, (Layer, Group)) and node.when is not True
