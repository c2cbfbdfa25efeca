"""Where values go: what `from` may go back to, and that nothing is computed for nobody.

A `from`, and the `to` of an upsampling, sees what comes in, and the steps before it in its own list
and in the lists around it, within one block's body or the network's own steps. Each is sure to be
there: it has no condition, or is one of alternatives of which one holds. It sees neither into
blocks, groups and other branches nor out of a residual, whose shortcut depends on what its branch
does to the shape. The size of what comes in can be asked for there as well.

A `reuse` asks for weights, not for a value: it sees every step before it in the block's body or the
network's own steps, but those in shortcuts, which may not be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from ..errors import Diagnostic, Location, did_you_mean
from ..ir.choices import branches, together
from ..ir.nodes import (
    Call,
    From,
    Group,
    Join,
    Layer,
    Loop,
    Node,
    Residual,
    Reuse,
    forgets,
    gives_several,
    is_repeated,
    is_several,
    place_of,
    sources_of,
)
from ..ir.structure import INPUT
from ..ir.walk import children, walk

Body = tuple[Node, ...]
Visible = Mapping[str, Node | None]  # steps, and inputs, which are no nodes


def check_values(
    bodies: Iterable[Body],
    found: list[Diagnostic],
    inputs: Mapping[str, Location | None],
    outputs: Iterable[str] = (),
    in_block: bool = True,
) -> None:
    """Report what is wrong with the values of one scope, whose lists are `bodies` in order.

    Names are the spec's own here. `inputs` is what comes in, with its places: the first step starts
    from it where it is one. `outputs` are the steps whose values are returned. In a block nothing
    sees into groups.
    """
    body = tuple(node for part in bodies for node in part)
    check = _Check(body, found, inputs, in_block)
    check.body(body, dict.fromkeys(inputs), ())
    check.unused(body, check.taken.union(outputs))
    check.names(body)
    check.entries(body)
    check.last(body, outputs)


def check_given(
    bodies: Iterable[Body],
    inputs: Iterable[str],
    outputs: Mapping[str, Location | None],
    found: list[Diagnostic],
) -> None:
    """Report what a block cannot give of its outputs, and steps that none of them needs.

    `outputs` are their names, with their places.
    """
    body = [node for part in bodies for node in part]
    steps = {name: node for node in body for name in _names(node)}
    sure = _sure(tuple(body))
    for output, at in outputs.items():
        node = steps.get(output)
        if output not in steps and output not in inputs:
            help = did_you_mean(output, [*steps, *inputs])
            message = f"there is no step named '{output}' in the block's own list to give"
            found.append(Diagnostic("E106", message, at, help=help))
        elif node is not None and _is_conditional(node) and output not in sure:
            message = f"the step '{output}' has a condition: it need not be there"
            help = f"put '{output}' into a block, and name the call of the block"
            found.append(Diagnostic("E210", message, at, help=help))
    last = body[-1] if body else None
    if last is not None and outputs and not _names(last) & {*outputs}:
        message = "nothing after the last output is given"
        help = "remove this step, or name it among the `outputs`"
        found.append(Diagnostic("E210", message, last.at, help=help))


AGAIN = "E214"
BLIND = "it sees what comes in and the named steps before it, and nothing outside of its block"


class _Check:
    def __init__(
        self,
        body: Body,
        found: list[Diagnostic],
        inputs: Mapping[str, Location | None],
        in_block: bool,
    ) -> None:
        self.found, self.inputs, self.in_block = found, inputs, in_block
        self.every = {name for node in walk(body) for name in _names(node)}
        self.taken: set[str] = set()  # the values that something goes back to
        self.asked: set[str] = set()  # and those of which it may be the size alone
        self.made: dict[str, Node] = {}  # the steps so far, in whatever list
        self.sure = _sure(body)

    def body(self, nodes: Body, visible: Visible, around: Body) -> None:
        """Check one list of nodes, and what is inside of them; `around` comes after the list."""
        seen = dict(visible)
        for i, node in enumerate(nodes, 1):
            later = (*nodes[i:], *around)
            for name in sources_of(node):
                self.source(name, node, seen, later)
            if isinstance(node, Join):
                for part in children(node):
                    self.inner(part)
                    self.body(part, seen, later)
            elif isinstance(node, Residual):
                self.residual(node, later)
            elif isinstance(node, Reuse):
                self.again(node, later)
            seen.update(dict.fromkeys(_names(node), node))
            self.made.update(dict.fromkeys(_called(node), node))

    def inner(self, nodes: Body) -> None:
        """Refuse, in the parts of joins and residuals, calls that name values."""
        for node in nodes:
            if is_several(node) or gives_several(node):
                called = node.of if isinstance(node, Reuse) else node.block
                message = f"'{called}' takes or gives several values, which no branch does"
                help = "write the call before the join, and go back to what it gives"
                self.report(message, node.at, help)

    def residual(self, node: Residual, later: Body) -> None:
        """Check the parts of a residual. What its shortcut makes may not be there."""
        for part in children(node):
            self.inner(part)
        for part, after in ((node.pre, (*node.branch, *later)), (node.branch, later)):
            self.body(part, {}, after)
        made = dict(self.made)
        self.body(node.shortcut, {}, ())
        self.made = made

    def again(self, node: Reuse, later: Body) -> None:
        """Check that there is a step before this one that can be applied again."""
        step, name = self.made.get(node.of), node.of
        if step is None:
            help = did_you_mean(name, self.made) if self.made else ""
            message = f"there is no step named '{name}' before this `reuse`"
            if any(name in _called(after) for after in _flat(later)):
                message = f"the step '{name}' comes later than this `reuse`"
                help = f"let the first of the two be '{name}', and the other one the `reuse`"
            elif name in self.every:
                message = f"`reuse` does not see the step '{name}'"
                help = "it sees no steps in a group or a shortcut; the group itself it does"
            self.report(message, node.at, help or BLIND, AGAIN)
        elif isinstance(step, (Join, Residual)):
            message = f"'{name}' brings values together: it has no weights of its own"
            help = "put it into a block with its branches, and apply the call of that again"
            self.report(message, node.at, help, AGAIN)
        elif is_several(step) and len(step.sources) > 1:
            message = f"'{name}' takes several values: a `reuse` has what comes in"
            help = "put what is shared into a block of one input, and apply the call of that again"
            self.report(message, node.at, help, AGAIN)
        elif _is_conditional(step):
            message = f"the step '{name}' has a condition: it need not be there"
            help = f"put '{name}' and the step that has its weights into a block"
            self.report(message, node.at, help, AGAIN)

    def source(self, name: str, node: Node, seen: Visible, later: Body) -> None:
        """Judge the value that a node goes back to, or of which it takes the size."""
        word, at = "from", node.at
        if isinstance(node, Layer):
            word, at = "to", place_of(node, "to")
        else:
            self.taken.add(name)
        self.asked.add(name)
        if word == "to" and name in self.inputs:
            return
        inside = ""
        first, dot, rest = name.partition(".")
        if dot and first in self.every:  # a whole step is called so, not a list of steps
            name, inside = first, rest
            self.taken |= {first} if word == "from" else set()
        step = seen.get(name)
        if name not in seen:
            help = did_you_mean(name, seen) if any(seen.values()) else BLIND
            if any(name in _names(after) for after in later):
                message = f"the step '{name}' comes later than this `{word}`"
                help = "a value is there only after its step"
            elif gives_several(call := self.made.get(name)):
                message = f"the step '{name}' gives several values"
                help = f"say which one is meant: `{call.leaving[0]}`"
            elif name in self.every:
                message = f"`{word}` does not see the step '{name}'"
                help = (
                    "it sees earlier steps of its own list and of the lists around it, not those "
                )
                help += "in other branches and groups, and none outside of a residual"
            else:
                message = f"there is no step named '{name}' before this `{word}`"
            self.report(message, at, help)
        elif inside and (self.in_block or not isinstance(step, Group)):
            message = (
                f"'{name}' is no group of the network's own steps, into which `{word}` could see"
            )
            self.report(message, at, f"write `{word}: {name}`, for the whole step")
        elif step is not None and _is_conditional(step) and name not in self.sure:
            help = f"put '{name}' into a block, and name the call of the block"
            self.report(f"the step '{name}' has a condition: it need not be there", at, help)

    def unused(self, nodes: Body, used: set[str]) -> None:
        """Report values that a `from` drops though nobody has seen them, and several at once."""
        for before, node in pairwise(nodes):
            if gives_several(before) and not forgets(node):
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
        last = body[-1] if body else None
        if gives_several(last) and not list(outputs):
            message = f"'{last.name}' gives several values, and nothing says which are meant"
            help = f"write `- from: {last.leaving[0]}` after it, or name `outputs`"
            self.report(message, last.at, help)

    def names(self, body: Body) -> None:
        """Report names that mean a step, or a list of steps, and an input."""
        for node in walk(body):
            for name in {one.partition(".")[0] for one in _called(node)} & self.inputs.keys():
                if name in self.asked or name != INPUT:
                    message = f"the name '{name}' means this step and an input"
                    help = f"call the step '{name}_1', say"
                    self.found.append(Diagnostic("E106", message, node.at, help=help))

    def entries(self, body: Body) -> None:
        """Report inputs that nothing reads, where there are several."""
        if len(self.inputs) < 2:
            return
        if body and not forgets(body[0]):
            message = "several inputs come in, and this step does not say which one it takes"
            help = f"write `- from: {next(iter(self.inputs))}` before it"
            self.report(message, body[0].at, help)
            return
        for name in (name for name in self.inputs if name not in self.taken):
            help = f"write `- from: {name}` where it is needed, or remove the input"
            self.report(f"nothing reads the input '{name}'", self.inputs[name], help)

    def report(self, message: str, at: Location | None, help: str, code: str = "E210") -> None:
        self.found.append(Diagnostic(code, message, at, help=help))


def _flat(nodes: Body) -> Iterator[Node]:
    """Nodes with those in the branches of joins and residuals, which stand in the same scope."""
    for node in nodes:
        yield node
        if isinstance(node, (Join, Residual)):
            for part in children(node):
                yield from _flat(part)


def _called(node: Node) -> set[str]:
    """What the spec calls a node, if it does."""
    return set() if isinstance(node, (Loop, From)) or not node.name else {node.name}


def _names(node: Node) -> set[str]:
    """The name of a node's own value, if the spec gives one, or those of several."""
    return set(node.leaving) if gives_several(node) else _called(node)


def _sure(nodes: Body) -> set[str]:
    """The names of alternatives of which one is always there, in a list and the lists inside."""
    found = set[str]()
    for one, *others in together(nodes):
        whens = [node.when for node in (one, *others) if isinstance(node, (Layer, Group, Call))]
        if others and [*branches(whens)][-1][0] == "else":
            found |= _names(one)
    for node in nodes:
        if isinstance(node, (Join, Residual)):
            found = found.union(*map(_sure, children(node)))
    return found


def _is_conditional(node: Node) -> bool:
    """Whether a step may be missing; of one that is repeated 0 times elaboration tells."""
    if isinstance(node, Call):
        return node.when != is_repeated(node.repeat)
    return isinstance(node, (Layer, Group)) and node.when is not True
