"""Which pixels one element of a map sees, along one axis: exact at every position.

After an upsampling neighbours see different numbers of pixels: four rows of a map that was
doubled, say, lie in two rows of the small map, or in three. What elements see repeats with a
period, so a table of one period holds all of it. Where the pattern is longer than `MAX_PERIOD`
positions its size is bounded instead.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, gcd, lcm

from ..record import record

MAX_PERIOD = 1024


@record
class Axis:
    """Element r + period * q sees the pixels `first[r]` to `last[r]`, each plus `step` * q.

    The period is the length of both tables. Without tables at most `spread` + 1 pixels are seen,
    and neighbours are `step` apart.
    """

    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    step: int | Fraction = 1
    spread: Fraction = Fraction(0)

    @property
    def jump(self) -> Fraction:
        """The distance of neighbours, in pixels, on average."""
        return Fraction(self.step) / (len(self.first) or 1)

    @property
    def size(self) -> int:
        """How many pixels an element sees that sees most, from the first one to the last."""
        if not self.first:
            return floor(self.spread) + 1
        return max(b - a for a, b in zip(self.first, self.last, strict=True)) + 1

    def sees(self, position: int) -> tuple[int, int]:
        """The first and the last pixel that the element at a position sees."""
        turns, r = divmod(position, len(self.first))
        moved = int(self.step) * turns
        return self.first[r] + moved, self.last[r] + moved

    def then(self, after: Axis) -> Axis:
        """What elements see through this part and, before them, `after`."""
        if after == Axis():
            return self
        if not self.first or not after.first:
            return self._bounded(after)
        turns = len(self.first) // gcd(int(after.step), len(self.first))
        if len(after.first) * turns > MAX_PERIOD:
            return self._bounded(after)
        ends = [after.sees(position) for position in range(len(after.first) * turns)]
        first = tuple(self.sees(a)[0] for a, _ in ends)
        last = tuple(self.sees(b)[1] for _, b in ends)
        step = int(after.step) * turns // len(self.first) * int(self.step)
        return Axis(first, last, step)._shortest()

    def beside(self, other: Axis) -> Axis:
        """What elements of a join see, whose branches see this and `other`."""
        if self == other:
            return self
        period = lcm(len(self.first), len(other.first))
        if not period or period > MAX_PERIOD or self.jump != other.jump:
            jump, size = max(self.jump, other.jump), max(self.size, other.size)
            return Axis((), (), jump, Fraction(size - 1))
        pairs = [(self.sees(r), other.sees(r)) for r in range(period)]
        first = tuple(min(a, b) for (a, _), (b, _) in pairs)
        last = tuple(max(a, b) for (_, a), (_, b) in pairs)
        return Axis(first, last, int(self.jump * period))._shortest()

    def _bounded(self, after: Axis) -> Axis:
        spread = self._deviation() + self.jump * after._deviation()
        return Axis((), (), self.jump * after.jump, spread)

    def _deviation(self) -> Fraction:
        """How far apart the ends lie if an element stood where it does on average."""
        if not self.first:
            return self.spread
        high = max(b - self.jump * r for r, b in enumerate(self.last))
        return Fraction(high - min(a - self.jump * r for r, a in enumerate(self.first)))

    def _shortest(self) -> Axis:
        """The same with the shortest tables."""
        period = len(self.first)
        for short in (n for n in range(1, period) if period % n == 0):
            turns, step = period // short, int(self.step)
            head = Axis(self.first[:short], self.last[:short], step // turns)
            if step % turns == 0 and all(
                head.sees(r) == self.sees(r) for r in range(short, period)
            ):
                return head
        return self


def window(kernel: int, stride: int, before: int, dilation: int = 1) -> Axis:
    """A sliding window, with `before` pixels of padding before the first pixel."""
    return Axis((-before,), (dilation * (kernel - 1) - before,), stride)


def cells(n: int, count: int) -> Axis:
    """A grid of `count` cells over `n` pixels, which overlap where these are not divided evenly."""
    step, period = n // gcd(n, count), count // gcd(n, count)
    return _table([(r * n // count, -(-(r + 1) * n // count) - 1) for r in range(period)], step)


def nearest(scale: int) -> Axis:
    """Each pixel `scale` times."""
    return _table([(0, 0)] * scale, 1)


def interpolated(n: int, count: int, align_corners: bool = False) -> Axis:
    """The two of `n` pixels around each of `count`; one where an element is right upon it.

    Centres are half a pixel from the border, or the outermost ones are the same.
    """
    before, after = (n - 1, count - 1) if align_corners else (n, count)
    period = max(after // (gcd(before, after) or 1), 1)
    step = before // (gcd(before, after) or 1)
    shift = Fraction(0) if align_corners else Fraction(before - after, 2 * after)
    centres = [Fraction(step * r, period) + shift for r in range(period)]
    return _table([(floor(centre), ceil(centre)) for centre in centres], step)


def spread(kernel: int, stride: int, cut: int) -> Axis:
    """A transposed convolution, of which `cut` elements are taken off before the first one.

    An element that no pixel reaches sees none: it is told by an empty range.
    """
    places = range(cut, cut + stride)
    return _table([(-((kernel - 1 - r) // stride), r // stride) for r in places], 1)


def _table(ends: list[tuple[int, int]], step: int) -> Axis:
    if len(ends) > MAX_PERIOD:
        low = min(a - Fraction(step * r, len(ends)) for r, (a, _) in enumerate(ends))
        high = max(b - Fraction(step * r, len(ends)) for r, (_, b) in enumerate(ends))
        return Axis((), (), Fraction(step, len(ends)), Fraction(high - low))
    first, last = zip(*ends, strict=True)
    return Axis(first, last, step)._shortest()
