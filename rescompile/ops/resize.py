"""What operations do to the extents of a map, whatever these are: numbers or expressions.

`Op.output` tells the size of one map. The code of a block serves maps of all sizes, and asks by its
parameters whether a branch changes the shape: for that each operation tells here what it does.
"""

from __future__ import annotations

from math import gcd

from ..expr.dims import Dim, binary, if_else, logical_and, logical_or, negation
from ..expr.polynomial import product, total
from ..record import record


@record
class Resize:
    """What becomes of one axis of a map: n pixels become n * up / down + more, rounded.

    Where `fixed` holds they become as many whatever they were: one, or none at all as in a vector.
    How many is not told, nor the rounding, and `more` counts pixels of the place where they are won
    or lost: shapes tell what came out.
    """

    up: Dim = 1
    down: Dim = 1
    more: Dim = 0
    fixed: Dim = False

    def then(self, after: Resize) -> Resize:
        """This, followed by `after`."""
        if after == KEEPS:
            return self
        if after.fixed is True:
            return after
        return Resize(
            product((self.up, after.up)),
            product((self.down, after.down)),
            total((self.more, after.more)),
            logical_or(self.fixed, after.fixed),
        )

    def where(self, when: Dim) -> Resize:
        """This where `when` holds; otherwise the axis stays as it is."""
        return Resize(
            if_else(when, self.up, 1),
            if_else(when, self.down, 1),
            if_else(when, self.more, 0),
            logical_and(when, self.fixed),
        )

    def ratio(self) -> tuple[Dim, Dim]:
        """`up` and `down` without what they have in common."""
        up, down = self.up, self.down
        if isinstance(up, int) and isinstance(down, int):
            common = gcd(up, down)
            return up // common, down // common
        return (1, 1) if up == down else (up, down)

    def scales(self) -> Dim:
        """Whether the axis is scaled, be it one pixel, which stays as it is."""
        up, down = self.ratio()
        return logical_and(negation(self.fixed), binary("!=", down, up))


KEEPS = Resize()
FIXED = Resize(fixed=True)
Resizes = tuple[Resize, ...]  # of each axis, or a single one that holds of all
