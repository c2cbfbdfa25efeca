"""Maps that are enlarged, by a factor or to the size of another."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any, cast

from ..expr.dims import Dim
from .attribute import Kind, attribute, operation
from .axis import Axis, interpolated, nearest
from .base import Op, Shape, ShapeError, as_map, show_axes
from .resize import FIXED, Resize, Resizes


class Resampling(Enum):
    NEAREST = "nearest"
    LINEAR = "linear"
    BILINEAR = "bilinear"
    TRILINEAR = "trilinear"


# What frameworks call linear interpolation along each axis, by the number of axes.
INTERPOLATIONS = {1: Resampling.LINEAR, 2: Resampling.BILINEAR, 3: Resampling.TRILINEAR}
ALIGNED = 2  # of whose maps alone a target may have the corners aligned


def _mode() -> Any:
    about = "Pixels repeated, or interpolated between those around."
    return attribute(Resampling, about, default=Resampling.NEAREST)


def _align_corners() -> Any:
    about = (
        "Of `bilinear`: whether the outermost pixels keep their places; otherwise the borders of "
        "the map do, as centres are half a pixel from them."
    )
    return attribute(Kind.BOOL, about, default=False)


class Resampled(Op):
    """Base of what makes more pixels of a map: as many as `output` tells."""

    __slots__ = ()
    keeps_sign = stateless = True
    mode: Resampling
    align_corners: bool

    def enlarged(self, x: Shape, size: Shape) -> Shape:
        """The shape with those extents. Raises `ShapeError` for what is no enlargement."""
        c, *extents = as_map(x, "upsample")
        linear = INTERPOLATIONS[len(extents)]
        if self.mode not in (Resampling.NEAREST, linear):
            message = f"upsample: {self.mode.value} is not for {show_axes(len(extents))}"
            raise ShapeError(message, help=f"write `mode: {linear.value}`", key="mode")
        if self.align_corners and len(extents) != ALIGNED:
            message = f"upsample: align_corners is not for {show_axes(len(extents))}"
            help = f"remove `align_corners`: it is for {show_axes(ALIGNED)}"
            raise ShapeError(message, help=help, key="align_corners")
        if self.align_corners and self.mode is Resampling.NEAREST:
            message = "upsample: only what is interpolated has corners to align"
            help = f"write `mode: {linear.value}`, or remove `align_corners`"
            raise ShapeError(message, help=help, key="align_corners")
        for before, after in zip(extents, size, strict=True):
            if after < before:
                message = f"upsample: {before} pixels cannot be enlarged to {after}"
                help = "go to a larger map, or make this one smaller by a pool or a stride"
                raise ShapeError(message, help=help, key="to")
            if self.mode is Resampling.NEAREST and after % before:
                message = f"upsample: {after} pixels are no multiple of {before}"
                instead = f"write `mode: {linear.value}`"
                help = f"{instead}: of the nearest pixel frameworks think differently"
                raise ShapeError(message, help=help, key="to")
        return (c, *size)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        (_, *before), (_, *after) = x, self.output(x)
        return tuple(
            nearest(m // n)
            if self.mode is Resampling.NEAREST
            else interpolated(n, m, self.align_corners)
            for n, m in zip(before, after, strict=True)
        )


@operation
class Upsample(Resampled):
    """All extents of the map times `scale`."""

    word = "upsample"
    scale: Dim = attribute(Kind.POSITIVE, "The factor.")
    mode: Resampling = _mode()
    align_corners: bool = _align_corners()

    def output(self, x: Shape) -> Shape:
        _, *extents = as_map(x, self.word)
        scale = cast(int, self.scale)
        return self.enlarged(x, tuple(n * scale for n in extents))

    def resizes(self) -> Resizes:
        return (Resize(up=self.scale),)


@operation
class UpsampleTo(Resampled):
    """Height and width of the map that left the step `to`; `extents` are they in numbers."""

    word = "upsample"
    axes = (2,)
    to: str = attribute(
        Kind.STEP, "The step whose map tells the height and the width.", default="input"
    )
    mode: Resampling = _mode()
    align_corners: bool = _align_corners()
    extents: Shape | None = None

    @property
    def like(self) -> str:
        return self.to

    def beside(self, name: str, shape: Shape | None = None) -> UpsampleTo:
        if shape is None:
            return replace(self, to=name)
        if len(shape) == 1:
            message = f"upsample: '{self.to}' is a vector, which has no height and width"
            raise ShapeError(message, help="name a step that a map leaves", key="to")
        return replace(self, to=name, extents=shape[1:])

    def resizes(self) -> Resizes:
        return (FIXED,)

    def output(self, x: Shape) -> Shape:
        assert self.extents is not None, "elaboration has told them"
        return self.enlarged(x, self.extents)
