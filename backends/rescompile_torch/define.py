"""One definition of the emitted file: a block's class or function, or the network's class."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.emit.layout import Code
from rescompile.emit.schedule import riding
from rescompile.emit.summary import docstring
from rescompile.expr.dims import Dim, Var, binary
from rescompile.ir.flow import Flow
from rescompile.ir.structure import (
    CLASSES,
    Block,
    Form,
    From,
    Group,
    Join,
    Layer,
    Node,
    Residual,
    Where,
)
from rescompile.ir.structure import Call as BlockCall
from rescompile.ops import Flatten

from .forward import Flags, Forward
from .reserved import NUM_CLASSES
from .sequence import Sequences
from .shared import is_shared, shared_names
from .view import Argument, Definition, File, Scope, arguments_of

Own = Layer | Group | BlockCall


def define_block(file: File, block: Block, name: str) -> Definition:
    """The class of a block, or the function of an inline one."""
    scope = file.scope(block)
    if block.form is Form.MODULE:
        body = ModuleBody(file, scope, block.body)
        lines, forward, kind = body.lines(), tuple(body.forward()), "module"
    else:
        sequences = Sequences(file, scope)
        lines, forward = [], ()
        if block.form is Form.INLINE:
            kind, lines = "function", list(sequences.function(block.body))
        else:
            kind, lines = "sequence", list(sequences.class_body(block.body))
    lets = [f"{scope.dim(Var(let))} = {scope.dim(dim)}" for let, dim in block.lets]
    file.functions |= scope.functions
    pad = "    " if kind == "function" else "        "
    arguments = arguments_of(block, scope)
    head = tuple(pad + line for line in lets)
    return Definition(
        name, arguments, (*head, *lines), forward, kind, tuple(docstring(block.about))
    )


def define_network(file: File) -> Definition:
    """The network's own class."""
    network = file.network
    scope = file.root_scope()
    body = ModuleBody(file, scope, network.body, root=True)
    lines = body.lines()
    forward = tuple(body.forward())
    file.functions |= scope.functions
    arguments: tuple[Argument, ...] = ()
    if network.classes is not None and CLASSES in scope.used:
        arguments = (Argument(NUM_CLASSES, "int", str(network.classes)),)
    return Definition(file.class_name, arguments, tuple(lines), forward)


class ModuleBody:
    """The body of a class: attributes in `__init__`, and the forward pass over them."""

    def __init__(
        self, file: File, scope: Scope, body: tuple[Node, ...], root: bool = False
    ) -> None:
        self.file = file
        self.scope = scope
        self.flow: Flow = scope.flow
        self.nodes = body
        self.root = root
        self.forwarding = Forward(file, scope, body, root)
        self.sequences = Sequences(file, scope, root)
        self.attributes: dict[int, str] = {}
        self.flags: Flags = {}
        self.made = list(self.attribute_lines())

    def lines(self) -> list[str]:
        return self.made

    def forward(self) -> Iterator[str]:
        yield from self.forwarding.lines(self.attributes, self.flags)

    def attribute_lines(self) -> Iterator[str]:
        nodes = list(own_nodes(self.nodes))
        layers = [n for n in nodes if isinstance(n, Layer) and is_shared(n)]
        steps = [(layer, self.forwarding.module(layer)) for layer in layers]
        shared = shared_names(steps, {str(node.name) for node in nodes})
        done: set[str] = set()
        for node in nodes:
            name = self.attributes[node.id] = shared.get(node.id, str(node.name))
            if isinstance(node, Layer) and isinstance(node.op, Flatten) and node.when is True:
                continue
            if name not in done:
                done.add(name)
                yield from self.attribute(node, name)
        yield from self.conditions()

    def attribute(self, node: Own, name: str) -> Iterator[str]:
        condition = self.condition(node)
        target = f"self.{name}"
        if condition is None:
            yield from self.sequences.assign(target, self.code(node), node, 8)
            return
        yield f"        {target}: nn.Module = nn.Identity()"
        yield f"        if {self.scope.dim(condition)}:"
        yield from self.sequences.assign(target, self.code(node), node, 12)

    def condition(self, node: Own) -> Dim | None:
        """The condition under which an attribute is more than the identity."""
        residual = _shortcut_of(self.nodes, node)
        when = node.when
        if residual is not None:
            when = binary("and", residual.when, when)
            if residual.where is Where.SHAPE_CHANGES:
                when = binary("and", when, self.changes(residual))
        rides = any(riding(inner) is node for inner in residuals(self.nodes))
        return None if when is True or rides else when

    def changes(self, node: Residual) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        return self.file.analysis.changes[node.id].condition()

    def code(self, node: Own) -> Code | None:
        """The constructor, or None where it takes several statements."""
        if isinstance(node, Layer):
            return self.forwarding.module(node)
        return self.sequences.one(node)

    def conditions(self) -> Iterator[str]:
        """Flags that the forward pass asks for."""
        for node in residuals(self.nodes):
            if node.when is not True:
                flag = self.flags[node.id, "when"] = self.flag("use_shortcut")
                yield f"        self.{flag} = {self.scope.dim(node.when)}"
            if node.where is Where.SHAPE_CHANGES and node.tap_pre and node.pre:
                flag = self.flags[node.id, "shortcut"] = self.flag("projects")
                yield f"        self.{flag} = {self.scope.dim(self.changes(node))}"

    def flag(self, wanted: str) -> str:
        taken = {*self.attributes.values(), *self.flags.values()}
        while wanted in taken:
            wanted += "_2"
        return wanted


def own_nodes(body: tuple[Node, ...]) -> Iterator[Own]:
    """The nodes that become attributes: the main path before shortcuts, as torchvision has them."""
    for node in body:
        if isinstance(node, Residual):
            for part in (node.pre, node.branch, node.shortcut):
                yield from own_nodes(part)
        elif isinstance(node, Join):
            for branch in node.branches:
                yield from own_nodes(branch.body)
        elif not isinstance(node, From):
            assert isinstance(node, (Layer, Group, BlockCall))
            yield node


def residuals(body: tuple[Node, ...]) -> Iterator[Residual]:
    """Every residual in a scope."""
    for node in body:
        if isinstance(node, Residual):
            yield node
            for part in (node.pre, node.shortcut, node.branch):
                yield from residuals(part)
        elif isinstance(node, Join):
            for branch in node.branches:
                yield from residuals(branch.body)


def _shortcut_of(body: tuple[Node, ...], node: Node) -> Residual | None:
    return next((r for r in residuals(body) if any(s is node for s in r.shortcut)), None)
