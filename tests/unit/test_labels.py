"""Where names of points are put: nowhere over each other, whatever the points."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from rescompile.chart.labels import Box, Mark, places

FRAME = Box(0, 0, 400, 300)
RADIUS = 3.0
marks = st.builds(Mark, st.floats(5, 395), st.floats(5, 295), st.floats(8, 90), st.floats(6, 12))


def dot(mark: Mark) -> Box:
    return Box(mark.x - RADIUS, mark.y - RADIUS, mark.x + RADIUS, mark.y + RADIUS)


def test_a_name_alone_is_at_the_right_of_its_point() -> None:
    (place,) = places([Mark(100, 100, 50, 10)], FRAME, RADIUS)
    assert place is not None
    assert (place.box.left, place.box.bottom, place.line) == (104.5, 95, None)


def test_a_name_that_would_leave_the_frame_is_at_the_left() -> None:
    (place,) = places([Mark(390, 100, 50, 10)], FRAME, RADIUS)
    assert place is not None
    assert place.box.right <= 390


def test_a_point_among_others_has_a_line_to_its_name() -> None:
    row = [Mark(x, 150 + y, 60, 10) for x in range(160, 240, 8) for y in (-8, 0, 8)]
    found = places(row, FRAME, RADIUS)
    assert None not in found
    assert any(place and place.line for place in found)


def test_what_cannot_be_placed_has_no_place() -> None:
    crowd = [Mark(20, 20, 35, 10)] * 9
    found = places(crowd, Box(0, 0, 40, 40), RADIUS)
    assert 0 < found.count(None) < 9


def test_a_line_crosses_a_box_or_does_not() -> None:
    box = Box(10, 10, 20, 20)
    assert box.crossed_by(0, 0, 30, 30)
    assert box.crossed_by(15, 0, 15, 12)
    assert not box.crossed_by(0, 0, 9, 9)
    assert not box.crossed_by(0, 15, 15, 31)
    assert not box.crossed_by(20, 0, 20, 30)  # along an edge


@settings(max_examples=40, deadline=None)
@given(st.lists(marks, max_size=25))
def test_no_name_is_over_anything(points: list[Mark]) -> None:
    found = places(points, FRAME, RADIUS)
    assert found == places(points, FRAME, RADIUS)
    placed = [place for place in found if place]
    for place in placed:
        assert FRAME.holds(place.box)
        assert not any(place.box.overlaps(dot(point)) for point in points)
    for a, b in combinations(placed, 2):
        assert not a.box.overlaps(b.box)
        assert not (a.line and b.box.crossed_by(*a.line))
        assert not (b.line and a.box.crossed_by(*b.line))
    for point, place in zip(points, found, strict=True):
        if place:
            assert (place.box.right - place.box.left - point.width) < 1e-9
