"""The functions of an emitted file: one for each block and each stage, and the network's own."""

from __future__ import annotations

from dataclasses import replace

from ...expr.dims import Dim, Var
from ...ir.analysis import Analysis
from ...ir.structure import IN_CHANNELS, INDEX, Block, Form
from ..label import Label
from ..layout import Code, Items, signature
from ..lines import RETURN, Line, Writer, lets
from ..program import Program, Stage
from ..repetition import stage_key
from ..scope import arguments_of
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
        (result,) = body.run(block.body)
    else:
        result = Sequence(body, label, "x", "x", START if inline else "").run(block.body)
    if body.lines and body.lines[-1].target == result and body.lines[-1].indent == 4:
        body.lines[-1] = replace(body.lines[-1], target="x")  # nothing comes after that asks for it
    else:
        body.copy("x", result)
    lines = [*lets(block, scope), *body.lines]
    if IN_CHANNELS in scope.used:
        lines.insert(0, Line(program.syntax.channels.format("x"), IN_CHANNELS))
    tensor = program.syntax.tensor
    return function(name, arguments_of(block, scope), lines, block.about, inline, tensor)


def define_stage(program: Functions, stage: Stage[Function]) -> Function:
    """The function that repeats a block: the first time with arguments of its own."""
    network, scope, count = program.network, stage.scope, stage.count.name
    numbered = joins(stage_key(stage.node), network.body, network.blocks)
    start: Dim = scope.variable(START) if numbered else 0
    lines, block = Writer(), replace(BLOCK, separator=program.syntax.separator)

    def turn(i: Dim, first: bool) -> None:
        label = block.turn(stage.node, i, scope, f"{{{stage.label.name}}}", start)
        lines.write(stage.inner.call("x", stage.turn(first), label), "x")

    if not stage.alike:
        turn(0, first=True)
    with lines.loop(scope, count if stage.alike else f"1, {count}"):
        turn(Var(INDEX), first=False)
    return function(stage.name, stage.arguments, lines.lines, "", numbered, program.syntax.tensor)


def network_function(program: Functions) -> tuple[str, list[str]]:
    """The head and the lines of the network's own function."""
    network, syntax = program.network, program.syntax
    arguments = syntax.arguments(network)
    scope = program.root_scope({}, syntax.input, *(a.name for a in arguments))
    body = Module(program, scope, Label(separator=syntax.separator), root=True)
    body.entry, body.shapes = syntax.input, program.analysis.elaborated.root.shapes
    opening = [*syntax.opening(network)]
    body.lines += opening
    results = body.run(network.body, network.outputs)
    result: Code = Items("[", "]", tuple(results)) if network.outputs else results[0]
    made = lets(network.root, scope)
    if IN_CHANNELS in scope.used:
        made.insert(0, Line(syntax.channels.format(syntax.input), IN_CHANNELS))
    body.lines[len(opening) : len(opening)] = made
    arguments += [*program.arguments(scope, IN_CHANNELS), *syntax.options(network)]
    declared = [argument.declared for argument in arguments]
    head = signature(network.name, declared, syntax.model_type)
    body.write(syntax.model(network, result), RETURN)
    return head, [*map(str, body.lines)]
