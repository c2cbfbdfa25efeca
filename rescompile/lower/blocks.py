"""Blocks: each is lowered at the first call that needs it, once for the words that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import Diagnostic, Location, SpecError
from ..expr.dims import Var
from ..expr.kinds import Kind
from ..ir.nodes import Node
from ..ir.structure import INPUT, Block, Form, channel_names, symbols
from ..language import references
from ..language.models import BlockSpec, Spec, Step
from .arguments import EXTENTS, Arguments, parts
from .liveness import check_given, check_values
from .names import assign_names, check_sequence, refuse_names
from .scope import NUMERIC, Scope, fault
from .turns import ports

MAX_BLOCK_DEPTH = 24
T = TypeVar("T")
Ports = Mapping[str, Location | None]  # what a block takes or gives, with the places


class Blocks:
    """The blocks that calls have asked for so far; `body` lowers the steps inside them.

    `network` has the parameters of the network, which blocks see where none of theirs hides them.
    """

    def __init__(
        self,
        spec: Spec,
        network: Scope,
        found: list[Diagnostic],
        body: Callable[[Iterable[Step], Scope], tuple[Node, ...]],
    ) -> None:
        self.spec = spec
        self.network = network
        self.found = found
        self.body = body
        self.arguments = Arguments(network, spec.axes)
        self.made: dict[str, Block] = {}
        self.owners: dict[str, str] = {}  # whose steps made a block that no call names
        self.read: dict[str, set[str]] = {}  # the names that a block's steps ask for
        self.variants: dict[object, str] = {}
        self.families: dict[str, list[tuple[str, bool]]] = {}  # each with: by default words?
        self.stack: list[str] = []

    @property
    def inline(self) -> bool:
        """Whether the present steps are those of an inline block."""
        return bool(self.stack) and self.spec.blocks[self.stack[-1]].inline is not None

    def ports(self, spec: BlockSpec, known: dict[str, Any]) -> tuple[Ports, Ports]:
        """The inputs and outputs of a block; `known` are its numbers that tell how many."""
        values = visible(self.network.values, spec) | known
        scope = Scope("", False, {}, values, self.network.words, None, in_block=True)
        return ports(spec, "inputs", scope) or {INPUT: None}, ports(spec, "outputs", scope)

    def variant(self, name: str, spec: BlockSpec, words: dict[str, Any], step: Step) -> str:
        """The IR block for these words, and numbers that count as words; made at the first call.

        What its steps do not read makes no other block.
        """
        if name not in self.read:
            inside = [references.steps(spec), references.ports(spec), *spec.let.values()]
            self.read[name] = references.names(inside)
        words = {k: v for k, v in words.items() if k in self.read[name]}
        key = (name, tuple((k, _identity(v)) for k, v in words.items()))
        if key in self.variants and name not in self.stack:
            return self.variants[key]
        with self.within(name, step):
            told = (_suffix(k, v, spec.parameters[k].default) for k, v in words.items())
            suffix = "_".join(filter(None, told)) or "2"
            made = self.variants[key] = self.free_name(f"{name}_{suffix}") if words else name
            usual = all(spec.parameters[k].default == v for k, v in words.items())
            self.families.setdefault(name, []).append((made, usual))
            try:
                self.made[made] = self.block(made, spec, dict(words))
            except SpecError:
                del self.variants[key]
                raise
        return made

    @contextmanager
    def within(self, name: str, step: Step) -> Iterator[None]:
        """Inside, the steps are a block's; what is wrong is told with the call that led there."""
        self._check_stack(name, step)
        at = step.at()
        called = f", called as '{step.name}'" if step.name else ", called"
        note = f"in block '{name}'{called}" + (f" ({at.file}:{at.line})" if at else "")
        start = len(self.found)

        def noted(found: Diagnostic) -> Diagnostic:
            return replace(found, notes=(*found.notes, note))

        self.stack.append(name)
        try:
            yield
        except SpecError as error:
            raise SpecError(map(noted, error.diagnostics)) from None
        finally:
            self.stack.pop()
            self.found[start:] = map(noted, self.found[start:])

    def _check_stack(self, name: str, step: Step) -> None:
        """Refuse a block that stands in itself, or too deep in others."""
        if name in self.stack:
            chain = " -> ".join([*self.stack[self.stack.index(name) :], name])
            message = f"blocks call each other in a circle: {chain}"
            help = "repeat a block with `repeat:`, and break the circle"
            raise fault("E209", message, step.at("block"), help)
        if len(self.stack) >= MAX_BLOCK_DEPTH:
            message = f"blocks are nested deeper than {MAX_BLOCK_DEPTH}"
            help = "write the steps of the innermost blocks into their callers"
            raise fault("E209", message, step.at("block"), help)

    def scope(
        self,
        spec: BlockSpec,
        inputs: Iterable[str],
        own: Iterable[str],
        known: dict[str, Any],
        words: dict[str, Any],
    ) -> Scope:
        """The scope of a block's steps: its `own` parameters and its channels are names there.

        Of the network's it has what neither its parameters nor its channels hide.
        """
        _check_channels(inputs, spec)
        symbolic: dict[str, Kind] = dict.fromkeys(channel_names(inputs).values(), int)
        lists = visible(self.network.lists, spec)
        for key in own:
            if (type := spec.parameters[key].type) == EXTENTS:
                names = parts(key, spec, self.spec.axes)
                lists[key] = tuple(map(Var, names))
                symbolic |= dict.fromkeys(names, int)
            else:
                symbolic[key] = NUMERIC[type]
        outer = {n: v for n, v in self.network.values.items() if n not in symbolic}
        return Scope(
            owner="",
            numbered=False,
            names=symbolic,
            values=visible(outer, spec) | known,
            words=visible(self.network.words, spec) | words,
            channels=next(iter(symbols(inputs).values())),
            in_block=True,
            lists=lists,
            named=symbols(inputs),
        )

    def titles(self) -> dict[str, str]:
        """Better names: an only variant, or the one by default words, is called as in the spec.

        What its steps made is called after it.
        """
        found: dict[str, str] = {}
        for name, made in self.families.items():
            usual = [variant for variant, by_default in made if by_default or len(made) == 1]
            found |= dict.fromkeys(usual[:1], name)
        taken = {*self.made, *self.spec.blocks, *self.variants.values()}
        for inner, owner in self.owners.items():
            better = found.get(owner, owner) + inner.removeprefix(owner)
            if better not in taken:
                found[inner] = better
                taken.add(better)
        return found

    def free_name(self, wanted: str) -> str:
        """`wanted`, or with a number where a block of that name exists."""
        taken = {*self.made, *self.spec.blocks, *self.variants.values()}
        if wanted not in taken:
            return wanted
        return next(f"{wanted}{i}" for i in range(2, 10_000) if f"{wanted}{i}" not in taken)

    def block(self, name: str, spec: BlockSpec, words: dict[str, Any]) -> Block:
        """The definition of a block under the given words."""
        form = Form.MODULE if spec.body else Form.SEQUENCE if spec.sequence else Form.INLINE
        numbers = {k for k, p in spec.parameters.items() if p.type in NUMERIC}
        known = {k: words.pop(k) for k in numbers & words.keys()}
        types = (*NUMERIC, EXTENTS)
        own = [k for k, p in spec.parameters.items() if p.type in types and k not in known]
        inputs, outputs = self.ports(spec, known)
        scope = self.scope(spec, inputs, own, known, words)
        scope = replace(scope, owner=name, numbered=form is not Form.MODULE)
        entering, gives = dict(scope.named), spec.gives(outputs)
        for key, value in spec.let.items():
            scope.define(key, value, spec)
        body = self.body(spec.body or spec.sequence or spec.inline or (), scope)
        if form is Form.MODULE:
            given = dict(zip(gives.values(), outputs.values(), strict=True))
            check_values([body], self.found, inputs, given)
            check_given([body], inputs, given, self.found)
            (body,) = assign_names([body], self.found, inputs)
        elif form is Form.SEQUENCE:
            check_sequence(body, self.found)
        else:
            message = f"a step of an inline block has no name: '{name}' may be called many times"
            help = "remove the name: the steps are numbered where the block is called"
            refuse_names(body, message, help, self.found)
        params = (param for key in own for param in self.arguments.parameters(key, spec))
        how = (tuple(params), tuple(scope.lets), spec.about, entering, gives)
        return Block(name, form, body, *how, spec.at())


def _check_channels(inputs: Iterable[str], spec: BlockSpec) -> None:
    """Refuse names of a block's own that are those of its inputs' channels."""
    for name, called in channel_names(inputs).items():
        for key in ("parameters", "let"):
            if called in getattr(spec, key):
                message = f"`${called}` are the channels of the input '{name}'"
                raise fault("E112", message, spec.key_at(key, called), f"use '{called}_1', say")


def visible(names: Mapping[str, T], spec: BlockSpec) -> dict[str, T]:
    """The network's names that no parameter of a block hides."""
    return {name: value for name, value in names.items() if name not in spec.parameters}


def _identity(value: Any) -> Any:
    """What tells a word, a number or the steps of a shortcut from another."""
    return (type(value), value) if isinstance(value, (str, bool, int, float)) else id(value)


def _suffix(name: str, value: Any, default: Any) -> str:
    """What a variant of a block is called for; nothing for the steps of a shortcut."""
    if value == default and not isinstance(value, str):
        return ""
    if isinstance(value, bool):
        return name if value else f"no_{name}"
    shown = str(value) if isinstance(value, (str, int, float)) else ""
    return re.sub(r"\W", "_", shown)
