"""Everything in one emitted file; functions are rendered once, callees first."""

from __future__ import annotations

from collections.abc import Mapping

from rescompile.emit.contract import Request
from rescompile.emit.repetition import StageKey, counted, stage_key, staged
from rescompile.expr.dims import Dim, Expr, IfElse, Var, binary, names, substitute
from rescompile.expr.polynomial import product, total
from rescompile.ir.analysis import Analysis
from rescompile.ir.flow import Flow, arguments, expand
from rescompile.ir.structure import INDEX, Block, Form, Group, Layer, Loop, Node, walk
from rescompile.ir.structure import Call as BlockCall

from .layers import Style
from .view import (
    BLOCK,
    COUNTERS,
    COUNTS,
    OWN,
    RESERVED,
    STAGE_NAME,
    Argument,
    Function,
    Label,
    Line,
    Scope,
    file_names,
    free,
    function,
)

RECURSION = 1000  # Python's default limit, which is Keras' own on the length of a path
COUNT = "#"  # stands for the number of repetitions among the arguments of a stage
STAGE = "{name}"  # stands for the stage's own name, without the path to it


class File:
    """The functions of a file, and the names that it has given away."""

    def __init__(self, request: Request) -> None:
        self.analysis: Analysis = request.analysis
        self.network = request.analysis.network
        self.style = Style(self.analysis)
        self.names = file_names(self.network, self.style.helper_names())
        self.repeated = _repeated(self.network.body, self.network.blocks)
        self.titles = {name: self.names.take(name, "_block") for name in self.network.blocks}
        single = len({key[0] for key in self.repeated}) == 1
        self.stage_titles = {
            key: self.names.take("make_stage" if single else f"make_{key[0]}_stage")
            for key in self.repeated
        }
        self.given = {*RESERVED, *OWN, *self.style.helper_names(), self.network.name}
        self.given |= {*self.titles.values(), *self.stage_titles.values()}
        self.functions: dict[str, Function] = {}
        self.stages: dict[StageKey, Function] = {}
        self.order: list[Function] = []
        self.taken: dict[str, Dim] = {}  # how many numbers each inline block takes

    @property
    def recursion_limit(self) -> int:
        """The limit that building the model may need, in thousands; 0 where the default will do.

        Joins and explicit paddings come to the operations, so a path has at most twice as many
        layers; in a residual network it has about 1.2 times as many.
        """
        operations = self.analysis.elaborated.root.layers
        return -(-2 * operations // RECURSION) * RECURSION if 1.4 * operations > RECURSION else 0

    def block(self, name: str) -> Function:
        """The function of a block; rendered at its first use."""
        if name not in self.functions:
            from .define import block_function

            made = block_function(self, self.network.blocks[name], self.titles[name])
            self.functions[name] = made
            self.order.append(made)
        return self.functions[name]

    def stage(self, node: BlockCall) -> Function:
        """The function that repeats a block."""
        key = stage_key(node)
        if key not in self.stages:
            self.stages[key] = made = self.stage_function(node, self.stage_titles[key])
            self.order.append(made)
        return self.stages[key]

    def stage_function(self, node: BlockCall, name: str) -> Function:
        """The first repetition with arguments of its own, then the rest."""
        inner = self.block(node.block)
        once = {p.name: p.default for p in self.network.blocks[node.block].parameters if p.once}
        count = count_argument(self, node)
        first = {a.of: a.name for a in inner.arguments}
        taken = {count.name, *first.values()}
        title = free([STAGE_NAME], taken)
        i = free(COUNTERS, {title, *taken})
        rest = dict(first)
        for name_, default in once.items():
            if name_ in rest and default is not None:
                rest[name_] = Scope().dim(default)
        rest |= {name_: f"{first[name_]} + {i}" for name_ in counted(node) if name_ in rest}
        spliced = self.repeated[stage_key(node)]
        start: Dim = Var("start") if spliced else 0
        lines = []
        if first != rest:
            label = repetition(BLOCK, node, 0, start, Scope(), f"{{{title}}}")
            lines.append(Line(inner.call("x", first, label), "x"))
        bounds = count.name if first == rest else f"1, {count.name}"
        lines.append(Line(f"for {i} in range({bounds}):"))
        label = repetition(BLOCK, node, Var(i), start, Scope(), f"{{{title}}}")
        lines.append(Line(inner.call("x", rest, label), "x", 8))
        required = [a for a in inner.arguments if a.default is None]
        optional = [a for a in inner.arguments if a.default is not None]
        stage = [Argument(title, "str", of=STAGE)] if STAGE in node.children else []
        return function(name, [*required, count, *stage, *optional], lines, numbered=spliced)


def _repeated(body: tuple[Node, ...], blocks: Mapping[str, Block]) -> dict[StageKey, bool]:
    """The repetitions that a function writes; whether some join the sequence where they stand."""
    found: dict[StageKey, bool] = {}
    for node, alone in staged(body, blocks):
        key = stage_key(node)
        numbered = node.name is None and node.children == "{i}" and not alone
        found[key] = found.get(key, False) or numbered
    return found


def count_argument(file: File, node: BlockCall) -> Argument:
    """The number of repetitions: `blocks`, unless the block has a parameter of that name."""
    taken = {a.name for a in file.block(node.block).arguments}
    return Argument(free(COUNTS, taken), "int", of=COUNT)


def repetition(
    label: Label, node: BlockCall, i: Dim, start: Dim, scope: Scope, stage: str = ""
) -> Label:
    """The name of repetition `i`: its number in the sequence, or what the pattern makes of it.

    `stage` stands for the name of the call, where that is not written out.
    """
    if node.children == "{i}":
        return label.child(_shown(binary("+", start, i), scope))
    made = node.children.replace(STAGE, stage or str(node.name))
    made = made.replace("{i}", _shown(i, scope))
    return label.child(made.replace("{n}", _shown(binary("+", i, 1), scope)))


def _shown(dim: Dim, scope: Scope) -> str:
    shown = scope.dim(dim)
    return f"{{{shown}}}" if isinstance(dim, Expr) else shown


def consumed(node: Node, file: File, flow: Flow | None = None) -> Dim:
    """How many numbers a node takes in the sequence where it stands."""
    if isinstance(node, Loop):
        each = total(consumed(inner, file) for inner in node.body)
        if INDEX in names(each) and isinstance(node.count, int):
            return total(substitute(each, {INDEX: i}) for i in range(node.count))
        return product((node.count, each))
    taken: Dim = 1
    if isinstance(node, BlockCall):
        block = file.network.blocks[node.block]
        if block.form is Form.INLINE:
            if node.block not in file.taken:
                file.taken[node.block] = total(consumed(inner, file) for inner in block.body)
            body = file.taken[node.block]
            entering = flow.entering[node.id] if flow else Var("in_channels")
            taken = substitute(expand(block.lets, body), arguments(node, block, entering))
        elif node.repeat is not None and node.name is None:
            taken = node.repeat
    when = node.when if flow is None and isinstance(node, (Layer, Group, BlockCall)) else True
    return IfElse(when, taken, 0) if isinstance(when, Expr) else taken


def uncountable(block: Block) -> bool:
    """Whether the numbers that inline steps take have no expression."""
    loops = [n for n in walk(block.body) if isinstance(n, Loop) and isinstance(n.count, Expr)]
    found = [
        n.when
        for loop in loops
        for n in walk(loop.body)
        if isinstance(n, (Layer, Group, BlockCall))
    ]
    return block.form is Form.INLINE and any(INDEX in names(when) for when in found)
