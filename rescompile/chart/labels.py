"""Names beside points, none over another, over a point, or out of the frame.

Each name takes the free place that is nearest to its point, on one of rings around it. One that
finds none takes a place from others, those that were driven out least, and these look anew: a
search by least conflicts, with a bound, of which the best state is kept. Everything is
deterministic, and in one unit of length: points of 1/72 inch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import cos, hypot, inf, pi, sin

from ..record import record

RINGS = (0, 6, 12, 18, 26, 36, 48, 62, 78, 96, 118, 142)  # from the nearest place outwards
TURNS = 24  # directions on a ring
PATIENCE = 24  # times that a name may look for a place, on average
TIDYINGS = 3
CROSSED, FAR = 2.0, 60.0  # what a crossed point costs, and the length of a line that costs one
NEAR = 6  # how far a name may be off without a line that leads to its point


@record
class Box:
    """A rectangle with sides along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share an area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def holds(self, other: Box) -> bool:
        """Whether the other one is inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )

    def crossed_by(self, x1: float, y1: float, x2: float, y2: float) -> bool:
        """Whether a line from one place to another has a part inside."""
        if (
            (x1 <= self.left and x2 <= self.left)
            or (x1 >= self.right and x2 >= self.right)
            or (y1 <= self.bottom and y2 <= self.bottom)
            or (y1 >= self.top and y2 >= self.top)
        ):
            return False
        start, end = 0.0, 1.0
        for at, step, low, high in (
            (x1, x2 - x1, self.left, self.right),
            (y1, y2 - y1, self.bottom, self.top),
        ):
            if not step:
                if not low < at < high:
                    return False
                continue
            near, far = sorted(((low - at) / step, (high - at) / step))
            start, end = max(start, near), min(end, far)
        return start < end


@record
class Mark:
    """A point that is drawn, with the size of its name, both in points."""

    x: float
    y: float
    width: float
    height: float


@record
class Place:
    """Where a name stands; a line leads there from the point where it is far off.

    `hull` is the box that name and line take together.
    """

    box: Box
    hull: Box
    line: tuple[float, float, float, float] | None = None

    def meets(self, other: Place) -> bool:
        """Whether the names or lines of both touch."""
        if not self.hull.overlaps(other.hull):
            return False
        if self.box.overlaps(other.box):
            return True
        if other.line and self.box.crossed_by(*other.line):
            return True
        if self.line and other.box.crossed_by(*self.line):
            return True
        return bool(self.line and other.line and _cross(self.line, other.line))


def places(marks: Sequence[Mark], frame: Box, radius: float) -> list[Place | None]:
    """A place for each name, None where there is no room. `radius` is that of a drawn point."""
    search = _Search(marks, frame, radius)
    waiting = deque(sorted(range(len(marks)), key=lambda i: (len(search.open[i]), i)))
    best: dict[int, Place] = {}
    for step in range(PATIENCE * len(marks)):
        if not waiting:
            break
        care = 1.0 if 2 * step < PATIENCE * len(marks) else 0.0  # at last, any place will do
        waiting.extend(search.settle(waiting.popleft(), care))
        if len(search.found) > len(best):
            best = dict(search.found)
    search.found = best
    search.tidy()
    return [best.get(i) for i in range(len(marks))]


class _Search:
    """The state of the search: what is placed, and how often each name was driven out."""

    def __init__(self, marks: Sequence[Mark], frame: Box, radius: float) -> None:
        dots = [_dot(mark, radius) for mark in marks]
        cores = [_dot(mark, radius / 2) for mark in marks]
        self.open = []
        for mark in marks:
            inside = (place for place in _around(mark, radius) if frame.holds(place.box))
            clear = [p for p in inside if not any(p.box.overlaps(dot) for dot in dots)]
            costed = [(_cost(place, cores), place) for place in clear]
            self.open.append(sorted(costed, key=lambda pair: pair[0]))
        self.found: dict[int, Place] = {}
        self.driven = [1.0] * len(marks)

    def settle(self, i: int, care: float) -> list[int]:
        """Place a name where that costs least, itself and others; tells whom it drove out.

        `care` is by how much the costs of a place itself count. The name stays without one where
        every one is on a point or outside.
        """
        chosen, least, out = None, inf, list[int]()
        for own, place in self.open[i]:
            cost, against = care * own, []
            if cost >= least:
                break
            for j, other in self.found.items():
                if place.meets(other):
                    cost += self.driven[j]
                    against.append(j)
                    if cost >= least:
                        break
            else:
                chosen, least, out = place, cost, against
        for j in out:
            del self.found[j]
            self.driven[j] += 1
        if chosen:
            self.found[i] = chosen
        return out

    def tidy(self) -> None:
        """Move each name to the best place that is free now."""
        for _ in range(TIDYINGS):
            for i in sorted(self.found):
                others = [other for j, other in self.found.items() if j != i]
                free = (p for _, p in self.open[i] if not any(p.meets(other) for other in others))
                self.found[i] = next(free)


def _dot(mark: Mark, radius: float) -> Box:
    return Box(mark.x - radius, mark.y - radius, mark.x + radius, mark.y + radius)


def _cost(place: Place, dots: Sequence[Box]) -> float:
    """What is against a place: points that its line leads over, behind which it is drawn; length.

    In names that have to look for another place.
    """
    if place.line is None:
        return 0.0
    x1, y1, x2, y2 = place.line
    crossed = sum(dot.crossed_by(x1, y1, x2, y2) for dot in dots)
    return CROSSED * crossed + hypot(x2 - x1, y2 - y1) / FAR


def _cross(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two lines cross."""

    def side(line: tuple[float, float, float, float], x: float, y: float) -> float:
        x1, y1, x2, y2 = line
        return (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)

    apart = side(a, *b[:2]) * side(a, *b[2:]), side(b, *a[:2]) * side(b, *a[2:])
    return apart[0] < 0 and apart[1] < 0


def _around(mark: Mark, radius: float) -> Iterator[Place]:
    """The places that a name may take, the nearest first; to the right of its point before all."""
    for ring in RINGS:
        gap = radius + 1.5 + ring
        for turn in range(TURNS):
            step = (turn + 1) // 2 * (1 if turn % 2 else -1)  # right, then up and down, then left
            angle = 2 * pi * step / TURNS
            across, up = cos(angle), sin(angle)
            # The nearest side or corner of the name is on the ring.
            x = mark.x + gap * across + mark.width * (across - 1) / 2
            y = mark.y + gap * up + mark.height * (up - 1) / 2
            box = Box(x, y, x + mark.width, y + mark.height)
            yield _place(mark, box, radius) if ring >= NEAR else Place(box, box)


def _place(mark: Mark, box: Box, radius: float) -> Place:
    """A name with a line from the edge of its point to what of the name is nearest to it."""
    x = min(max(mark.x, box.left), box.right)
    y = min(max(mark.y, box.bottom), box.top)
    start = radius / (hypot(x - mark.x, y - mark.y) or 1.0)
    at = (mark.x + (x - mark.x) * start, mark.y + (y - mark.y) * start)
    hull = Box(
        min(at[0], box.left), min(at[1], box.bottom), max(at[0], box.right), max(at[1], box.top)
    )
    return Place(box, hull, (*at, x, y))
