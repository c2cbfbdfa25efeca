"""Where values go: what `from` may go back to, and that nothing is computed for nobody.

A `from`, and the `to` of an upsampling, sees the steps before it in its own list and in the lists
around it, within one block's body or the network's own steps. It sees neither into blocks, groups
and other branches nor out of a residual, whose shortcut depends on what its branch does to the
shape.

A `reuse` asks for weights, not for a value: it sees every step before it in the block's body or the
network's own steps, but those in shortcuts, which may not be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    Reuse,
    children,
    is_repeated,
    place_of,
    source_of,
    walk,
)

Body = tuple[Node, ...]
Visible = Mapping[str, Node]


def check_values(
    bodies: Iterable[Body],
    found: list[Diagnostic],
    outputs: Iterable[str] = (),
    in_block: bool = True,
) -> None:
    """Report what is wrong with the values of one scope, whose lists are `bodies` in order.

    Names are the spec's own here. `outputs` are the steps whose values the network returns. In a
    block nothing sees into groups.
    """
    body = tuple(node for part in bodies for node in part)
    check = _Check(body, found, in_block)
    check.body(body, {}, ())
    check.unused(body, check.taken.union(outputs))


AGAIN = "E214"
BLIND = "it sees the named steps before it, and nothing outside of its block or group"


class _Check:
    def __init__(self, body: Body, found: list[Diagnostic], in_block: bool) -> None:
        self.found, self.in_block = found, in_block
        self.every = {name for node in walk(body) for name in _names(node)}
        self.taken: set[str] = set()
        self.made: dict[str, Node] = {}  # the steps so far, in whatever list

    def body(self, nodes: Body, visible: Visible, around: Body) -> None:
        """Check one list of nodes, and what is inside of them; `around` comes after the list."""
        seen = dict(visible)
        for i, node in enumerate(nodes, 1):
            later = (*nodes[i:], *around)
            if name := source_of(node):
                self.source(name, node, seen, later)
            elif isinstance(node, Join):
                for part in children(node):
                    self.body(part, seen, later)
            elif isinstance(node, Residual):
                self.residual(node, later)
            elif isinstance(node, Reuse):
                self.again(node, later)
            seen.update(dict.fromkeys(_names(node), node))
            self.made.update(dict.fromkeys(_names(node), node))

    def residual(self, node: Residual, later: Body) -> None:
        """Check the parts of a residual. What its shortcut makes may not be there."""
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
            if any(name in _names(after) for after in _flat(later)):
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
        elif _is_conditional(step):
            message = f"the step '{name}' has a condition: it need not be there"
            help = f"put '{name}' and the step that has its weights into a block"
            self.report(message, node.at, help, AGAIN)

    def source(self, name: str, node: Node, seen: Visible, later: Body) -> None:
        """Judge the step that a node goes back to, or of which it takes the size."""
        word, at = "from", node.at
        if isinstance(node, Layer):
            word, at = "to", place_of(node, "to")
        else:
            self.taken.add(name.partition(".")[0])
        if word == "to" and name == INPUT:
            if INPUT in self.every:
                message = f"`to: {INPUT}` is what comes in, but a step has that name as well"
                self.report(message, at, "give the step another name")
            return
        name, inside, _ = name.partition(".")
        step = seen.get(name)
        if step is None:
            help = did_you_mean(name, seen) if seen else BLIND
            if any(name in _names(after) for after in later):
                message = f"the step '{name}' comes later than this `{word}`"
                help = "a value is there only after its step"
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
        elif _is_conditional(step):
            help = f"put '{name}' into a block, and name the call of the block"
            self.report(f"the step '{name}' has a condition: it need not be there", at, help)

    def unused(self, nodes: Body, used: set[str]) -> None:
        """Report values that a `from` drops though nobody has seen them."""
        for before, node in pairwise(nodes):
            if _forgets(node) and not _names(before) & used:
                message = "what the step before this computes goes nowhere"
                help = "name that step and return it, as in `outputs: [NAME]`, or remove it"
                self.report(message, node.at, help)
        for node in nodes:
            if isinstance(node, (Join, Residual)):
                for part in children(node):
                    self.unused(part, used)

    def report(self, message: str, at: Location | None, help: str, code: str = "E210") -> None:
        self.found.append(Diagnostic(code, message, at, help=help))


def _flat(nodes: Body) -> Iterator[Node]:
    """Nodes with those in the branches of joins and residuals, which stand in the same scope."""
    for node in nodes:
        yield node
        if isinstance(node, (Join, Residual)):
            for part in children(node):
                yield from _flat(part)


def _names(node: Node) -> set[str]:
    """The name of a node's own value, if the spec gives one."""
    if isinstance(node, (Loop, From)) or not node.name:
        return set()
    return {node.name}


def _is_conditional(node: Node) -> bool:
    """Whether a step may be missing; of one that is repeated 0 times elaboration tells."""
    if isinstance(node, Call):
        return node.when != is_repeated(node.repeat)
    return isinstance(node, (Layer, Group)) and node.when is not True


def _forgets(node: Node) -> bool:
    """Whether a node makes nothing of what comes in."""
    if isinstance(node, Join):
        return all(b.body and isinstance(b.body[0], From) for b in node.branches)
    return isinstance(node, From)
