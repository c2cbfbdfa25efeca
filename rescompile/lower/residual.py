"""Lowering of residuals: what each kind of shortcut means as steps.

He et al. 2015, section 3.3: option A is `pad`, B is `projection`, C is `projection_always`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..errors import Location, did_you_mean
from ..expr.dims import Dim, Expr, binary
from ..ir.flow import SymbolicError
from ..ir.nodes import From, Group, Layer, Loop, Node, Residual, Where
from ..ir.resizing import body_strides
from ..ir.structure import IN_CHANNELS, Block
from ..language.models import SHORTCUTS, Defaults, Shortcut, Step
from ..language.models import Residual as ResidualSpec
from ..ops import Extents, PadChannels, Scale, StochasticDepth
from .ops import Words, average, convolution, normalisation, subsample
from .scope import Scope, fault

Nodes = tuple[Node, ...]
PROJECT = "give the shortcut as a list of steps: `shortcut: [{conv: {...}}, {norm: {}}]`"
_WHERE = {"always": Where.ALWAYS, "shape_changes": Where.SHAPE_CHANGES}


class Residuals:
    """Lowers residuals; `body` and `some` lower the steps inside of them."""

    def __init__(
        self,
        defaults: Defaults,
        axes: int,
        blocks: dict[str, Block],
        body: Callable[[Iterable[Step], Scope], Nodes],
        some: Callable[..., Nodes],
    ) -> None:
        self.defaults = defaults
        self.axes = axes
        self.blocks = blocks
        self.body = body
        self.some = some

    def lower(self, spec: ResidualSpec, step: Step, scope: Scope) -> Nodes:
        """The nodes of a residual; without a shortcut just those of its branch."""
        entering = scope.channels
        pre = self.body(spec.preactivation, scope)
        tapped = scope.channels
        branch = self.some("branch", spec.branch, scope)
        leaving, scope.channels = scope.channels, entering
        shortcut = self.shortcut(spec, scope)
        when = scope.condition(spec.when, spec, "when")
        factor = None if spec.scale is None else scope.dim(spec.scale, spec, "scale")
        rate = None if spec.drop is None else scope.dim(spec.drop, spec, "drop")
        if shortcut.kind == "none":
            return (*pre, *branch)  # nothing would be left of a sample whose branch is dropped
        if factor is not None:
            branch = (*branch, _at(Layer(Scale(factor), None, when), spec, "scale", "factor"))
        if rate is not None:
            branch = (*branch, _at(Layer(StochasticDepth(rate), None, when), spec, "drop", "rate"))
        tap = spec.tap == "preactivation" and bool(pre)
        start = tapped if tap else entering
        way = branch if tap else (*pre, *branch)
        body, where = self.steps(shortcut, way, start, leaving, step, scope)
        scope.channels = entering
        kind = str(shortcut.kind or "given")
        own = shortcut.steps is not None and len(body) == 1 and _name(body[0]) is not None
        if body and not own:
            body = (Group(body, step.name or "shortcut", True, step.at()),)
        tap = tap and bool(body)  # the identity starts from the input
        return (Residual(branch, body, where, pre, tap, kind, when, "", spec.at("shortcut")),)

    def shortcut(self, spec: ResidualSpec, scope: Scope) -> Shortcut:
        """The shortcut in full, words looked up."""
        value: Any = spec.shortcut
        at = spec.at("shortcut")
        if isinstance(value, str):
            asked, value = value, scope.word(value, at)
            if isinstance(value, str):
                return Shortcut.model_construct(kind=_kind(asked, value, at))
        if isinstance(value, list):
            return Shortcut.model_construct(steps=value)
        if value.kind is None:
            return value  # type: ignore[no-any-return]
        kind = scope.word(value.kind, value.at("kind"))
        if not isinstance(kind, str):
            help = "write the steps under `steps:` instead of `kind:`"
            message = "a `kind` is a word, but this one is a list of steps"
            raise fault("E207", message, at, help)
        kind = _kind(value.kind, kind, value.at("kind"))
        return value.model_copy(update={"kind": kind})  # type: ignore[no-any-return]

    def steps(
        self,
        shortcut: Shortcut,
        way: Nodes,
        x: Dim | None,
        y: Dim | None,
        step: Step,
        scope: Scope,
    ) -> tuple[Nodes, Where]:
        """The shortcut's nodes beside `way`, from `x` to `y` channels, and when it takes them."""
        if shortcut.steps is not None:
            scope.channels = x
            body = self.some("shortcut", shortcut.steps, scope, numbered=True)
            return body, _WHERE[shortcut.where]
        if shortcut.kind == "identity":
            return (), Where.ALWAYS
        if x is None or y is None:
            message = "the channels of this residual are not known, so it cannot be projected"
            raise fault("E205", message, step.at(), PROJECT)
        try:
            strides = body_strides(way, x, self.blocks, self.axes)
        except SymbolicError as error:
            message = f"this residual cannot be projected: {error}"
            raise fault("E205", message, step.at(), PROJECT) from None
        if shortcut.kind == "pad":
            return _option_a(shortcut, strides, x, y, step, scope), Where.SHAPE_CHANGES
        always = shortcut.kind == "projection_always"
        return (
            self.projection(shortcut, strides, y, step, scope),
            Where.ALWAYS if always else Where.SHAPE_CHANGES,
        )

    def projection(
        self, shortcut: Shortcut, strides: Extents, y: Dim, step: Step, scope: Scope
    ) -> Nodes:
        """A 1x1 convolution and its norm, after an average pool in `avg_projection`."""
        layers: list[Node] = []
        if shortcut.kind == "avg_projection":
            layers.append(Layer(average(strides), at=step.at()))
            strides = (1,) * self.axes
        layers.append(Layer(convolution(y, strides, self.defaults.bias), at=step.at()))
        words = Words(self.defaults, self.axes, scope.word, scope.dim, scope.several)
        norm = normalisation(words) if shortcut.norm else None
        if norm is not None:
            layers.append(Layer(norm, at=step.at()))
        return tuple(layers)


def _at(layer: Layer, spec: ResidualSpec, key: str, attribute: str) -> Layer:
    """A layer that a key of the residual makes, at its place."""
    at = spec.at(key)
    return replace(layer, at=at, places={attribute: at} if at else {})


def _kind(asked: str, found: str, at: Location | None) -> str:
    """The kind of shortcut that a word stands for. Raises `SpecError` for a word that is none."""
    if found in SHORTCUTS:
        return found
    message = f"'{asked}' is {found!r}, which is no kind of shortcut"
    raise fault("E207", message, at, did_you_mean(found, SHORTCUTS))


def _name(node: Node) -> str | None:
    return None if isinstance(node, (Loop, From)) else node.name


def _option_a(
    shortcut: Shortcut, strides: Extents, x: Dim, y: Dim, step: Step, scope: Scope
) -> Nodes:
    """He et al. 2015, option A: subsample, then zeros for the channels that are missing."""
    extra = binary("-", y, x)
    in_block = scope.in_block or IN_CHANNELS in scope.names  # the network has no lets
    if isinstance(extra, Expr) and in_block:
        extra = scope.let("extra_channels", extra)
    before = binary("//", extra, 2) if shortcut.pad == "both" else 0
    pad = PadChannels(before, binary("-", extra, before))
    return (Layer(subsample(strides), at=step.at()), Layer(pad, at=step.at()))
