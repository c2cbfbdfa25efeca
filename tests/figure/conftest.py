"""What must hold of every picture, asked of its scene."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.figure.scene import Arc, Bounds, Box, Label, Scene


def overlapping(scene: Scene) -> Iterator[tuple[str, str]]:
    """Pairs of boxes and labels that overlap, by what they say."""
    things = sorted((*scene.boxes, *scene.labels), key=lambda item: item.bounds.top)
    active: list[Box | Label] = []
    for item in things:
        active = [other for other in active if other.bounds.bottom > item.bounds.top]
        yield from ((_words(o), _words(item)) for o in active if o.bounds.overlaps(item.bounds))
        active.append(item)


def crossing(scene: Scene) -> Iterator[tuple[str, str]]:
    """Lines that run through a box: their kind, and what the box says."""
    boxes = sorted(scene.boxes, key=lambda box: box.y)
    for arc in scene.arcs:
        low, high = min(y for _, y in arc.points), max(y for _, y in arc.points)
        near = [box for box in boxes if box.y < high and box.bounds.bottom > low]
        for one, other in arc.segments():
            yield from ((arc.kind, _words(b)) for b in near if b.bounds.crossed_by(one, other))


def outside(scene: Scene) -> Iterator[str]:
    """What does not lie within the picture."""
    for item in scene.items:
        found = _hull(item) if isinstance(item, Arc) else item.bounds
        inside = found.left >= 0 and found.top >= 0
        if not (inside and found.right <= scene.width and found.bottom <= scene.height):
            yield repr(item)


def slanted(scene: Scene) -> Iterator[Arc]:
    """Lines that are neither horizontal nor vertical."""
    for arc in scene.arcs:
        if any(x != z and y != w for (x, y), (z, w) in arc.segments()):
            yield arc


def _hull(arc: Arc) -> Bounds:
    xs, ys = zip(*arc.points, strict=True)
    return Bounds(min(xs), min(ys), max(xs), max(ys))


def _words(item: Box | Label) -> str:
    return item.text.text if isinstance(item, Label) else " ".join(t.text for t in item.lines)
