"""Lowering of block calls; an inline block is written out where it is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import did_you_mean
from ..expr.dims import Dim, Expr, Var, binary, names, text
from ..ir.nodes import Call, Group, Layer, Loop, Node, is_repeated
from ..ir.structure import BLOCK_INDEX, IN_CHANNELS, INDEX, INPUT
from ..language.models import BlockSpec, Step
from ..language.names import is_member
from ..language.references import Reading, free
from ..ops import LayerScale
from .arguments import EXTENTS, parts
from .blocks import Blocks, Ports, visible
from .scope import NUMERIC, Scope, fault

OWN_INPUT = "an inline block has no input of its own to go back to"
BODY = "write `body:` for `inline:` in the block, and give the call a name"


class Calls:
    """Lowers the calls of blocks."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.spec = blocks.spec
        self.settled = Reading(blocks.spec).settled
        self.passed = 0  # repetitions in the network's own scope before the present step

    def nodes(self, step: Step, scope: Scope, when: Dim) -> tuple[Node, ...]:
        """The call that a step makes, or the steps that it stands for. Raises `SpecError`."""
        name = str(step.block)
        spec = self.spec.blocks.get(name)
        if spec is None:
            help = did_you_mean(name, self.spec.blocks) if self.spec.blocks else ""
            help = help or "name a library under `use:`, or define it under `blocks:`"
            raise fault("E106", f"there is no block '{name}'", step.at("block"), help)
        inner = self.counting(step, scope)
        args, words = self.blocks.arguments.read(step, spec, inner)
        _check_call(step, spec, scope)
        if spec.inline is not None and not scope.numbered:
            return self.written_out(step, spec, scope, {**dict(args), **words}, when)
        return (self.call(step, scope, when, spec, inner, args, words),)

    def written_out(
        self, step: Step, spec: BlockSpec, scope: Scope, given: dict[str, Any], when: Dim
    ) -> tuple[Node, ...]:
        """The steps of an inline block in the scope where it is called, arguments filled in."""
        name, network = str(step.block), self.blocks.network
        _check_names(name, step, spec, scope, {*network.values, *network.words})
        values, words = visible(network.values, spec), visible(network.words, spec)
        lists = visible(network.lists, spec)
        values |= {} if scope.channels is None else {IN_CHANNELS: scope.channels}
        for key, parameter in spec.parameters.items():
            if parameter.type == EXTENTS:
                lists[key] = tuple(given[name] for name in parts(key, spec, self.spec.axes))
            else:
                (values if parameter.type in NUMERIC else words)[key] = given[key]
        inner = replace(scope, values=values, words=words, lists=lists, in_block=True)
        with self.blocks.within(name, step):
            for key, value in spec.let.items():
                inner.values[key] = inner.dim(value, spec, "let", key, wanted=None)
            found = self.blocks.body(spec.inline or (), inner)
        if when is True or when is False:
            return found if when else ()
        return tuple(_under(when, node, step) for node in found)

    def call(
        self,
        step: Step,
        scope: Scope,
        when: Dim,
        spec: BlockSpec,
        inner: Scope,
        args: list[tuple[str, Dim]],
        words: dict[str, Any],
    ) -> Call:
        name = str(step.block)
        known = {key: dim for key, dim in args if key in self.settled[name]}
        _check_known(known, step, spec)
        args = [(key, dim) for key, dim in args if key not in known]
        block = self.blocks.variant(name, spec, {**words, **known}, step)
        inputs, outputs = self.blocks.ports(spec, known)
        repeat = None if step.repeat is None else scope.dim(step.repeat, step, "repeat")
        if BLOCK_INDEX in inner.values and when and isinstance(repeat, int):
            self.passed += repeat
        children = step.children or "{i}"
        sources = self.sources(step, inputs, outputs, scope)
        if repeat is not None and (sources or outputs):
            _check_turns(step, inputs, outputs, repeat, args)
        when = binary("and", when, is_repeated(repeat))
        how = (tuple(args), step.name, repeat, children, when)
        return Call(block, *how, sources, tuple(outputs), step.at(), step.places)

    def sources(self, step: Step, inputs: Ports, outputs: Ports, scope: Scope) -> tuple[str, ...]:
        """The values that a call names. Raises `SpecError` where it may not, or not so many.

        Where it names none, several are those of the call before it.
        """
        given = step.from_ or []
        given = [given] if isinstance(given, str) else given
        if not given and 1 < len(inputs) == len(scope.flowing):
            given = list(scope.flowing)
        name = str(step.block)
        if (given or len(inputs) > 1) and len(given) != len(inputs):
            takes = f"{len(inputs)} value{'s' * (len(inputs) > 1)}"
            message = f"block '{name}' takes {takes}, and this call gives {len(given)}"
            help = "write `from: NAME`, or nothing for what comes in"
            if len(inputs) > 1:
                help = f"write `from: [...]` with a value for each of {', '.join(inputs)}"
            raise fault("E208", message, step.at("from"), help)
        if not given and not outputs:
            return ()
        if INPUT in given and self.blocks.inline:
            raise fault("E208", OWN_INPUT, step.at("from"), BODY)
        what = "takes values by their names" if given else "gives several values"
        outside = "the network's own steps or the `body` of a block"
        if scope.numbered:
            message = f"this call of '{name}' {what}, but stands in a sequence"
            raise fault("E208", message, step.at(), f"write it into {outside}")
        if step.when is not True and not scope.written_out:
            message = f"this call of '{name}' {what}, so it has no condition"
            raise fault("E208", message, step.key_at("when"), "put it into a block of its own")
        if outputs and (step.name is None or is_member(step.name)):
            help = (
                f"write `name: {name}`, say: later steps go back to `{name}.{next(iter(outputs))}`"
            )
            raise fault("E208", f"what '{name}' gives has no names here", step.at(), help)
        return tuple(given)

    def counting(self, step: Step, scope: Scope) -> Scope:
        """The scope of a call's arguments: where it repeats, they may ask for the number."""
        if step.repeat is None:
            return scope
        inner = scope.with_index()
        if not self.blocks.stack and INDEX not in scope.names and not scope.written_out:
            number = binary("+", Var(INDEX), self.passed)
            inner = replace(inner, values={**inner.values, BLOCK_INDEX: number})
        return inner


def _check_known(known: dict[str, Dim], step: Step, spec: BlockSpec) -> None:
    """Refuse what is no number as yet of parameters that tell which branches there are."""
    for key, dim in known.items():
        message = f"'{key}' decides which branches '{step.block}' has: "
        if isinstance(dim, Expr):
            message += f"it has to be known here, but depends on `{text(dim)}`"
            raise fault("E204", message, step.at(key), "give a number, or a parameter that is one")
        if spec.parameters[key].once and step.repeat is not None:
            message += "it is the same for all repetitions, and not given `once`"
            help = "repeat the block in a second call, which gives the other value"
            raise fault("E112", message, step.at(key), help)


def _check_turns(
    step: Step, inputs: Ports, outputs: Ports, repeat: Dim, args: list[tuple[str, Dim]]
) -> None:
    """Refuse repetitions of a call that names values, but for a number of turns that are alike."""
    name = step.block
    takes, gives = len(inputs), max(1, len(outputs))
    if takes != gives:
        message = f"block '{name}' takes {takes} and gives {gives}, so no turn follows another"
        help = "let it give as many values as it takes, in the same order"
        raise fault("E208", message, step.key_at("repeat"), help)
    if not isinstance(repeat, int) or repeat < 1:
        message = f"how often '{name}' is repeated has to be known here, and once at least"
        raise fault("E208", message, step.key_at("repeat"), "write a number from 1")
    for key, dim in args:
        if INDEX in names(dim):
            message = f"the turns of '{name}' are alike, but '{key}' depends on their number"
            raise fault("E208", message, step.at(key), "write calls one after the other")


def _check_names(name: str, step: Step, spec: BlockSpec, scope: Scope, known: set[str]) -> None:
    """Refuse steps that ask for names of the place where they are written out."""
    asked = free(spec)
    if IN_CHANNELS in asked and scope.channels is None:
        message = f"the channels that enter the steps of '{name}' are not known here"
        raise fault("E205", message, step.at("block"), "give them by a parameter of the block")
    unknown = asked - known - {IN_CHANNELS, INDEX}
    if unknown:
        help = "give the block a parameter, and pass the value in the call"
        message = f"the steps of '{name}' ask for '${min(unknown)}', which the block does not have"
        raise fault("E207", message, step.at("block"), help)


def _under(when: Dim, node: Node, step: Step) -> Node:
    """A node that is there under a further condition."""
    scales = isinstance(node, Layer) and isinstance(node.op, LayerScale)
    if isinstance(node, (Layer, Group, Call, Loop)) and not scales:
        return replace(node, when=binary("and", when, node.when))
    what = "a layer scale" if scales else "a join, a `from` or a `reuse`"
    message = f"the steps of '{step.block}' have no condition here: {what} is among them"
    help = "write `body:` for `inline:` in the block, and give the call a name"
    raise fault("E208", message, step.key_at("when"), help)


def _check_call(step: Step, spec: BlockSpec, scope: Scope) -> None:
    if step.repeat is not None and step.name is None and not scope.numbered:
        help = f"add `name: layer1`, say, to the call of '{step.block}'"
        raise fault("E208", "a repeated block needs a name here", step.at(), help)
    if "{name}" in (step.children or "") and step.name is None:
        message = f"the pattern '{step.children}' asks for the name of the call, which has none"
        raise fault("E208", message, step.key_at("children"), "add `name: block1`, say")
    if spec.inline is None:
        return
    if step.repeat is not None or step.name is not None:
        message = f"'{step.block}' is inline: it has no name and is not repeated"
        raise fault("E208", message, step.at(), "repeat it with `steps:` and `repeat:`")
    if step.from_ is not None:
        message = f"'{step.block}' is inline: its steps take what comes in"
        raise fault("E208", message, step.key_at("from"), "write a step `from: NAME` before it")
