"""A picture before it is written: boxes, lines and labels at their places, with measured text.

All lengths are in pixels, y grows downwards. Renderers draw what stands here and decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..record import record

Point = tuple[float, float]

# Advance widths of a wide sans-serif face (DejaVu Sans) in thousandths of the size: whatever face a
# viewer takes for `sans-serif`, the text is hardly wider than what is measured here.
TIMES = "\N{MULTIPLICATION SIGN}"
NARROW = {" ": 318, **dict.fromkeys("iIjl|.,:;'", 330), **dict.fromkeys("()[]/\\ft!-r", 395)}
WIDE = {**dict.fromkeys("mMW@%", 970), **dict.fromkeys(f"wOQG+=<>_{TIMES}", 838)}
OTHER = 640


def text_width(text: str, size: float) -> float:
    """Pixels that a line of text takes at a size."""
    widths = (NARROW.get(c) or WIDE.get(c) or (OTHER if ord(c) < 0x1100 else 1000) for c in text)
    return sum(widths) * size / 1000


@record
class Text:
    """A line of text. `style` is "main", "small", "head" or "note"."""

    text: str
    style: str = "main"

    @property
    def size(self) -> float:
        return SIZES[self.style]

    @property
    def width(self) -> float:
        return text_width(self.text, self.size) * (1.06 if self.style in BOLD else 1)

    @property
    def height(self) -> float:
        return self.size + 3


SIZES = {"main": 11.0, "small": 9.0, "head": 12.5, "note": 9.0, "title": 15.0}
BOLD = ("head", "title")


@record
class Box:
    """A rectangle with lines of text in its middle.

    `kind` is what it is drawn as: "layer" (it has weights), "pool", "step", "call", "join", "tag";
    `colour` numbers the output size that it belongs to, or is None. `tip` is told on hovering.
    """

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Text, ...]
    kind: str
    id: str = ""
    tip: str = ""
    colour: int | None = None

    def moved(self, dx: float, dy: float) -> Box:
        return replace(self, x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.x, self.y, self.x + self.width, self.y + self.height)


@record
class Arc:
    """A line through points, its corners rounded.

    `kind` is "flow", "identity" or "projection" of a residual's shortcut, "bypass" of an identity
    in another join, "skip" of an earlier value that is used again.
    """

    points: tuple[Point, ...]
    kind: str = "flow"
    arrow: bool = False
    id: str = ""
    tip: str = ""

    def moved(self, dx: float, dy: float) -> Arc:
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points))

    def segments(self) -> Iterator[tuple[Point, Point]]:
        return zip(self.points, self.points[1:], strict=False)


@record
class Label:
    """A line of text by itself: `anchor` is "start", "middle" or "end", y its middle."""

    x: float
    y: float
    text: Text
    anchor: str = "start"

    def moved(self, dx: float, dy: float) -> Label:
        return replace(self, x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> Bounds:
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.text.width
        half = self.text.height / 2
        left = self.x - before
        return Bounds(left, self.y - half, left + self.text.width, self.y + half)


@record
class Frame:
    """A rectangle around other things."""

    x: float
    y: float
    width: float
    height: float
    kind: str = "panel"
    id: str = ""
    tip: str = ""

    def moved(self, dx: float, dy: float) -> Frame:
        return replace(self, x=self.x + dx, y=self.y + dy)

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.x, self.y, self.x + self.width, self.y + self.height)


@record
class Bounds:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Bounds) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def crossed_by(self, one: Point, other: Point) -> bool:
        """Whether a horizontal or vertical line from one point to another runs through it."""
        (x, y), (z, w) = one, other
        line = Bounds(min(x, z), min(y, w), max(x, z), max(y, w))
        inner = Bounds(self.left + 1, self.top + 1, self.right - 1, self.bottom - 1)
        return (
            line.left <= inner.right
            and inner.left <= line.right
            and line.top <= inner.bottom
            and inner.top <= line.bottom
        )


Item = Box | Arc | Label | Frame


@record
class Scene:
    """A whole picture of `width` by `height` pixels."""

    title: str
    width: float
    height: float
    items: tuple[Item, ...]

    @property
    def boxes(self) -> list[Box]:
        return [item for item in self.items if isinstance(item, Box)]

    @property
    def arcs(self) -> list[Arc]:
        return [item for item in self.items if isinstance(item, Arc)]

    @property
    def labels(self) -> list[Label]:
        return [item for item in self.items if isinstance(item, Label)]


def bounds_of(items: Iterable[Item]) -> Bounds:
    """The least rectangle around some items."""
    found: list[Bounds] = []
    for item in items:
        if isinstance(item, Arc):
            found.extend(Bounds(x, y, x, y) for x, y in item.points)
        else:
            found.append(item.bounds)
    if not found:
        return Bounds(0, 0, 0, 0)
    return Bounds(
        min(one.left for one in found),
        min(one.top for one in found),
        max(one.right for one in found),
        max(one.bottom for one in found),
    )
