"""The functions of an emitted file: one for each block and each stage, and the network's own."""

from __future__ import annotations

from dataclasses import replace

from ...expr.dims import Dim, Var
from ...ir.analysis import Analysis
from ...ir.nodes import is_several
from ...ir.structure import INDEX, Block, Form, channel_names
from ...ir.trace import standing, values
from ...ir.walk import sources
from ..label import Label
from ..layout import signature
from ..lines import RETURN, Writer, lets
from ..program import Program, Stage
from ..repetition import stage_key
from ..schedule import variables
from ..scope import arguments_of
from ..statements import LANE
from .body import Sequence
from .function import Function, function
from .module import Module
from .numbering import joins
from .syntax import START, Functions, Syntax

BLOCK = Label("{name}")


def new_program(analysis: Analysis, syntax: Syntax) -> Functions:
    """The file of a network, without definitions as yet."""
    return Program(analysis, syntax, define_block, define_stage)


def define_block(program: Functions, block: Block, name: str) -> Function:
    """The function of a block."""
    scope = program.scope(block)
    label = replace(BLOCK, separator=program.syntax.separator)
    body = Module(program, scope, label)
    inline = block.form is Form.INLINE
    if block.form is Form.MODULE:
        kept = sources(block.body).union(block.outputs.values())
        body.inputs = variables(block.entering, kept, body.reserved)
        result, *more = body.run(block)
    else:
        result = Sequence(body, label, "x", "x", START if inline else "").run(block.body)
    if block.outputs:
        body.give([result, *more])
    elif body.lines and body.lines[-1].target == result and body.lines[-1].indent == 4:
        body.lines[-1] = replace(body.lines[-1], target="x")  # nothing comes after that asks for it
    else:
        body.copy("x", result)
    made = lets(block, scope)
    lines = [*body.channels(), *made, *body.lines]
    tensor, inputs = program.syntax.tensor, tuple(body.inputs.values())
    how = (block.about, inline, tensor, inputs, max(1, len(block.outputs)))
    return function(name, arguments_of(block, scope), lines, *how)


def define_stage(program: Functions, stage: Stage[Function]) -> Function:
    """The function that repeats a block: the first time with arguments of its own."""
    network, scope, count = program.network, stage.scope, stage.count.name
    numbered = joins(stage_key(stage.node), network.body, network.blocks)
    start: Dim = scope.variable(START) if numbered else 0
    lines, block = Writer(), replace(BLOCK, separator=program.syntax.separator)
    inputs = stage.inner.inputs if is_several(stage.node) else ("x",)
    target = ", ".join(inputs)

    def turn(i: Dim, first: bool) -> None:
        label = block.turn(stage.node, i, scope, f"{{{stage.label.name}}}", start)
        lines.write(stage.inner.call(inputs, stage.turn(first), label), target)

    if not stage.alike:
        turn(0, first=True)
    with lines.loop(scope, count if stage.alike else f"1, {count}"):
        turn(Var(INDEX), first=False)
    if len(inputs) > 1:
        lines.write(target, RETURN)
    how = (numbered, program.syntax.tensor, inputs, len(inputs))
    return function(stage.name, stage.arguments, lines.lines, "", *how)


def network_function(program: Functions) -> tuple[str, list[str]]:
    """The head and the lines of the network's own function."""
    network, syntax = program.network, program.syntax
    arguments = syntax.arguments(network)
    own = [a.name for a in arguments]
    kept = sources(network.body)
    taken = program.names.taken.union(own).difference([syntax.input])
    inputs = variables(network.inputs, kept, taken, syntax.input)
    scope = program.root_scope({}, syntax.input, *inputs.values(), *own)
    body = Module(program, scope, Label(separator=syntax.separator), root=True)
    root = program.analysis.elaborated.root
    body.inputs, body.shapes = inputs, root.shapes
    several = (item for item in root.items if is_several(item.node))
    body.leaving = {standing(item).id: values(item) for item in several}
    entries = {name: syntax.input if kept == LANE else kept for name, kept in inputs.items()}
    opening = [*syntax.opening(network, entries)]
    body.lines += opening
    results = body.run(network.root)
    made = lets(network.root, scope)
    body.lines[len(opening) : len(opening)] = [*body.channels(), *made]
    channels = channel_names(network.inputs).values()
    arguments += [*program.arguments(scope, *channels), *syntax.options(network)]
    declared = [argument.declared for argument in arguments]
    head = signature(network.name, declared, syntax.model_type)
    body.write(syntax.model(network, [*entries.values()], results), RETURN)
    return head, [*map(str, body.lines)]
