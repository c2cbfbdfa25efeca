"""Lowering of the whole network: its stages, its parameters, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..errors import Diagnostic, SpecError
from ..expr.dims import Dim, Var
from ..expr.kinds import Kind
from ..ir.nodes import From, Loop, Node
from ..ir.structure import (
    BLOCK_COUNT,
    CLASSES,
    Block,
    Initializer,
    Network,
    Param,
    Stage,
    channel_names,
)
from ..language.load import Document
from ..language.models import InitSpec, Spec, Step
from ..language.references import Reading
from ..language.unread import unread
from .liveness import check_values
from .names import assign_names, rename_calls
from .outputs import check_outputs
from .scope import Scope
from .steps import Steps

STAND_IN = 1  # for a value that has none: what is wrong with it is said once
UNNAMED = "."  # before the word of a step without a name


def lower(document: Document) -> Network:
    """The network that a spec describes. Raises `SpecError` with everything that is wrong."""
    spec = document.spec
    found: list[Diagnostic] = []
    values, words = _parameters(spec, found)
    values[BLOCK_COUNT] = block_count([*spec.stem, *spec.stages, *spec.head], spec, values)
    own = spec.parameters.items()
    lists = {name: tuple(value) for name, value in own if _is_extents(value, spec)}
    steps = Steps(spec, values, words, lists, found)
    scope = replace(_scope(spec, values, words, found), lists=lists)
    stages = list(_stages(spec, steps, scope))
    if not stages and not found:
        help = "add `stages:` with at least one step"
        found.append(Diagnostic("E111", "the network has no steps", spec.at(), help=help))
    bodies = [stage.body for stage in stages]
    places = {name: spec.at("inputs", name) for name in spec.entering}
    check_values(bodies, found, places, spec.outputs, in_block=False)
    made, titles = steps.blocks.made, steps.blocks.titles()
    taken = assign_names(bodies, found, spec.entering)
    named = [rename_calls(body, titles) for body in taken]
    stages = [Stage(_label(s.label, body), body) for s, body in zip(stages, named, strict=True)]
    check_outputs(spec, stages, found)
    found = [one for one in found if one.code != "E205"] or found  # not known for another error
    found.extend(unread(spec, found))
    if found:
        raise SpecError(dict.fromkeys(found))
    return Network(
        name=spec.name,
        inputs={n: (i.channels, *i.size.values()) for n, i in spec.entering.items()},
        stages=tuple(stages),
        blocks={titles.get(name, name): _titled(block, titles) for name, block in made.items()},
        parameters=tuple(_symbolic(spec, values)),
        lets=tuple(scope.lets),
        entering={n: scope.values.get(c, Var(c)) for n, c in channel_names(spec.entering).items()},
        classes=spec.classes,
        title=spec.title or spec.name,
        class_name=spec.class_name or "",
        source=spec.source,
        spec=document.cited,
        outputs=tuple(spec.outputs),
        conv_init=_initializer(spec.defaults.init.conv),
        linear_init=_initializer(spec.defaults.init.linear),
    )


def _titled(block: Block, titles: dict[str, str]) -> Block:
    name = titles.get(block.name, block.name)
    return replace(block, name=name, body=rename_calls(block.body, titles))


def _parameters(spec: Spec, found: list[Diagnostic]) -> tuple[dict[str, Dim], dict[str, Any]]:
    """The network's own parameters: numbers, and words."""
    values: dict[str, Dim] = {}
    words: dict[str, Any] = {}
    for name, value in spec.parameters.items():
        if isinstance(value, (bool, int, float)):
            values[name] = value
        elif isinstance(value, str) and "$" not in value:
            words[name] = value
        elif not _is_extents(value, spec):
            message = f"the parameter '{name}' of the network is neither a number nor a word"
            help = "write a number or a word; expressions stand where the parameter is used"
            if isinstance(value, (list, tuple)):
                help = f"a list has a number for each axis of the maps, {spec.axes} here"
            at = spec.at("parameters", name)
            found.append(Diagnostic("E112", message, at, help=help))
    if spec.shortcut is not None:
        words["shortcut"] = spec.shortcut
    scope = Scope(spec.name, False, {}, values, words, None)
    for name in _lets(spec):
        try:
            values[name] = scope.dim(spec.let[name], spec, "let", name, wanted=None)
        except SpecError as error:
            found.extend(error.diagnostics)
            values[name] = STAND_IN
    return values, words


def _is_extents(value: Any, spec: Spec) -> bool:
    """Whether a parameter of the network is a whole number for each axis."""
    whole = isinstance(value, list) and all(type(v) is int for v in value)
    return whole and len(value) == spec.axes


def _lets(spec: Spec) -> Iterator[str]:
    """Names for expressions over parameters alone, which blocks know as well."""
    reading, others = Reading(spec), {CLASSES, *channel_names(spec.entering).values()}
    for name in spec.let:
        if not reading.closed({name}) & others:
            yield name


def block_count(steps: Iterable[Step], spec: Spec, values: dict[str, Dim]) -> int:
    """How often the network's own scope and its groups repeat blocks, all calls together."""
    total = 0
    for step in steps:
        if step.group is not None:
            total += block_count(step.group, spec, values)
        elif step.block is not None and step.repeat is not None:
            scope = Scope(spec.name, False, {}, values, {}, None)
            try:
                taken = scope.condition(step.when, step, "when")
                count = scope.dim(step.repeat, step, "repeat")
            except SpecError:
                continue  # reported where the step itself is lowered
            total += count if taken and isinstance(count, int) else 0
    return total


def _scope(
    spec: Spec, values: dict[str, Dim], words: dict[str, Any], found: list[Diagnostic]
) -> Scope:
    """The network's own scope: what its steps alone ask for stays a name, as in a block."""
    reading = Reading(spec)
    kinds: dict[str, Kind] = {param.name: param.type for param in _symbolic(spec, values)}
    known_lets = {name for name in _lets(spec) if name in reading.fixed or name not in values}
    lets = [name for name in spec.let if name not in known_lets]
    known = {name: value for name, value in values.items() if name not in {*kinds, *lets}}
    entering: dict[str, Dim] = {}
    for name, called in channel_names(spec.entering).items():
        if called in reading.deciding:
            known[called] = entering[name] = spec.entering[name].channels
        else:
            kinds[called], entering[name] = int, Var(called)
    start = next(iter(entering.values()))
    scope = Scope(spec.name, False, kinds, known, words, start, named=entering)
    for name in lets:
        try:
            scope.define(name, spec.let[name], spec)
        except SpecError as error:
            found.extend(error.diagnostics)
            scope.values[name] = STAND_IN
    return scope


def _symbolic(spec: Spec, values: dict[str, Dim]) -> Iterator[Param]:
    """The names of the network's own scope that another value may be given, with their values."""
    if spec.classes is not None:
        yield Param(CLASSES, int, spec.classes)
    reading = Reading(spec)
    for name in spec.parameters:
        value = values.get(name)
        if name in reading.fixed or isinstance(value, bool):
            continue
        if isinstance(value, (int, float)):
            yield Param(name, float if isinstance(value, float) else int, value)


def _stages(spec: Spec, steps: Steps, scope: Scope) -> Iterator[Stage]:
    """The rows; a `from` begins the one of the step that follows it."""
    start: tuple[Node, ...] = ()
    for label, part in _rows(spec):
        for stage in _apart(label, steps.body(part, scope)) if part else ():
            if stage.body and all(isinstance(node, From) for node in stage.body):
                start += stage.body
            else:
                yield replace(stage, body=(*start, *stage.body))
                start = ()
    if start:
        yield Stage("head", start)


def _apart(label: str, body: tuple[Node, ...]) -> Iterator[Stage]:
    """A row; of steps that are written out each is one."""
    if label != f"{UNNAMED}steps":
        yield Stage(label, body)
        return
    for node in body:
        named = None if isinstance(node, (Loop, From)) else node.name
        yield Stage(named or UNNAMED, (node,))


def _rows(spec: Spec) -> Iterator[tuple[str, list[Step]]]:
    """The rows of the network's table, with their labels; `_label` has that of an unnamed step."""
    yield "stem", spec.stem
    for step in spec.stages:
        yield step.name or f"{UNNAMED}{step.word}", [step]
    yield "head", spec.head


def _label(label: str, body: tuple[Node, ...]) -> str:
    """The label of a row: an unnamed step is called as everywhere, `maxpool1` say."""
    if not label.startswith(UNNAMED):
        return label
    (only, *more) = [node for node in body if not isinstance(node, From)] or (None,)
    if more or only is None or isinstance(only, Loop) or not only.name:
        return label.removeprefix(UNNAMED)
    return only.name


def _initializer(spec: InitSpec) -> Initializer:
    if spec.kind == "normal":
        return Initializer(std=spec.std)
    uniform = spec.kind != "kaiming_normal"
    if spec.kind.startswith("uniform_"):
        return Initializer(uniform, Fraction(1, 3), spec.kind.removeprefix("uniform_"))
    return Initializer(uniform, Fraction(1 if spec.kind == "lecun_uniform" else 2), spec.mode)
