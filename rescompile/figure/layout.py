"""Places for the elements of a diagram: from top to bottom, ways beside each other.

A piece is entered at (0, 0) and left at (0, height). Nothing of it lies above or below that, and
lines that go around boxes run in lanes to the right of all that stands between their ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .diagram import Element, Framed, Goto, Parallel, Shortcut, Step
from .scene import Arc, Box, Frame, Item, Label, Point, Text

GAP = 13.0  # between a box and the next
LANE = 11.0  # between a box and the line around it, and between two such lines
RISE = 8.0  # between two lines that arrive above ways beside each other
APART = 16.0  # between two ways
PAD = 5.0  # between a box's text and its edge
ROUND = 15.0  # the diameter of a sum
TAG = "tag"  # the kind of a step that nothing enters


@dataclass
class Want:
    """A place where an earlier value is to arrive: above a step, or beside a `joint`."""

    goto: Goto
    at: Point
    joint: bool = False


NOWHERE = -1e9


@dataclass
class Piece:
    """Placed items. `left` and `right` are how far they reach from the axis."""

    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    items: list[Item] = field(default_factory=list)
    exits: dict[str, float] = field(default_factory=dict)  # y behind each named step of this scope
    wants: list[Want] = field(default_factory=list)
    arrow: bool = False  # it begins with a box
    headless: bool = False  # nothing enters it from above
    facts: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)  # y, and what to tell

    def put(self, other: Piece, x: float, y: float) -> None:
        """Take in another piece with its axis at `x` and its top at `y`."""
        self.items += [item.moved(x, y) for item in other.items]
        self.wants += [replace(want, at=(want.at[0] + x, want.at[1] + y)) for want in other.wants]
        self.facts += [(at + y, facts) for at, facts in other.facts]
        self.left = max(self.left, other.left - x)
        self.right = max(self.right, other.right + x)

    def left_at(self, goto: Goto) -> float:
        """The y behind what gives an earlier value; `NOWHERE` if that is not here."""
        return self.exits.get(goto.name, self.exits.get(goto.step, NOWHERE))

    def raised(self, by: float) -> None:
        """Have the value that it begins with arrive higher, above what stands beside it."""
        first = self.wants[0]
        first.at = (first.at[0], first.at[1] - by)
        if by:
            self.line(first.at, (0, 0))

    def line(self, *points: Point, kind: str = "flow", arrow: bool = False) -> None:
        self.items.append(Arc(points, kind, arrow))


@dataclass
class Engine:
    """Lays out; `colours` numbers the sizes of outputs in the order in which they come."""

    colours: dict[tuple[int, ...], int] = field(default_factory=dict)

    def sequence(self, elements: Sequence[Element]) -> Piece:
        """Elements below each other, with the lines of values that are used again."""
        made = Piece()
        spans: list[tuple[float, float, Piece]] = []
        for element in elements:
            gap = GAP if spans else 0.0
            if isinstance(element, Goto):
                made.height += 1.5 * gap
                made.wants.append(Want(element, (0.0, made.height)))
                made.headless |= not spans
                spans.append((made.height, made.height, Piece()))
                continue
            piece, top = self.piece(element), made.height + gap
            if not spans:
                made.arrow, made.headless = piece.arrow, piece.headless
            elif not piece.headless:
                made.line((0, made.height), (0, top), arrow=piece.arrow)
            made.put(piece, 0, top)
            made.height = top + piece.height
            spans.append((top, made.height, piece))
            for name in piece.exits:
                made.exits[name] = made.height
        self._resolve(made, spans)
        return made

    def _resolve(self, made: Piece, spans: Iterable[tuple[float, float, Piece]]) -> None:
        """Draw the lines from named steps to where their values are wanted, inner ones first."""
        spans, open_wants = list(spans), made.wants
        made.wants = []
        lanes: list[tuple[float, float, float]] = []
        for want in sorted(open_wants, key=lambda w: w.at[1] - made.left_at(w.goto)):
            start = made.left_at(want.goto)
            if start == NOWHERE or start > want.at[1]:
                made.wants.append(want)
                continue
            top, end = start + GAP / 2, want.at[1]
            inside = [piece.right for y, z, piece in spans if z > start and y < end + GAP]
            inside += [x for y, z, x in lanes if z > top and y < end]
            x = max([*inside, 0.0]) + LANE
            arc = Arc(((0, start), (0, top), (x, top), (x, end), want.at), "skip", True)
            boxes = [item for item in made.items if isinstance(item, Box)]
            if any(box.bounds.crossed_by(*ends) for ends in arc.segments() for box in boxes):
                made.wants.append(want)
                continue
            made.items.append(arc)
            if not want.joint and want.goto.name not in made.exits:
                which = Text(want.goto.name.removeprefix(f"{want.goto.step}."), "note")
                made.items.append(Label(want.at[0] - 5, end + GAP / 2, which, "end"))
                made.left = max(made.left, which.width + 5 - want.at[0])
            lanes.append((top, end, x))
            made.right = max(made.right, x + 2)
            made.height = max(made.height, top)

    def piece(self, element: Element) -> Piece:
        if isinstance(element, Step):
            return self.step(element)
        if isinstance(element, Parallel):
            return self.parallel(element)
        if isinstance(element, Framed):
            return self.framed(element)
        assert isinstance(element, Shortcut)
        return self.shortcut(element)

    def step(self, step: Step) -> Piece:
        box = self.box(step)
        half = box.width / 2
        made = Piece(half, half, box.height, [box], dict.fromkeys(step.names, 0.0), arrow=True)
        made.headless = step.kind == TAG
        if step.facts:
            made.facts.append((box.height / 2, step.facts))
        return made

    def box(self, step: Step) -> Box:
        """A box with the middle of its upper edge at (0, 0)."""
        width = max((line.width for line in step.lines), default=0.0) + 2 * PAD
        height = sum(line.height for line in step.lines) + PAD
        if step.kind == "join" and len(step.lines[0].text) == 1:
            width = height = ROUND
        colour = None
        if step.size is not None:
            colour = self.colours.setdefault(step.size, len(self.colours))
        place = (-width / 2, 0.0, width, height)
        return Box(*place, step.lines, step.kind, step.id, step.tip, colour)

    def shortcut(self, element: Shortcut) -> Piece:
        made = Piece()
        before = self.sequence(element.before) if element.before else None
        y = 0.0
        if before is not None:
            made.put(before, 0, 0)
            made.arrow, y = before.arrow, before.height + GAP
            made.line((0, before.height), (0, y))
        branch = self.sequence(element.branch)
        made.line((0, y), (0, y + GAP), arrow=branch.arrow)
        made.put(branch, 0, y + GAP)
        bottom = y + GAP + branch.height
        way = self.sequence(element.way) if element.way else None
        if way is not None:
            x = branch.right + APART + way.left
            made.line((0, y), (x, y), (x, y + GAP), kind=element.kind, arrow=way.arrow)
            made.put(way, x, y + GAP)
            end = y + GAP + way.height
            bottom = max(bottom, end + self._notes(made, element.notes, x, end + 2))
        else:
            x = max(branch.right, LANE) + LANE
            end = y
        meet = bottom + GAP
        made.line((0, y + GAP + branch.height), (0, meet), arrow=element.joint is not None)
        half = self._joint(made, element.joint, meet)
        kind, level = element.kind, meet + (ROUND / 2 if half else 0)
        if element.joint is not None and element.joint.facts:
            made.facts.append((level, element.joint.facts))
        around: list[Point] = [(x, end), (x, level), (half, level)]
        around = around if way is not None else [(0, y), *around]
        made.items.append(Arc(tuple(around), kind, True, element.id, element.tip))
        made.right = max(made.right, x + 2)
        if way is None:
            tall = sum(Text(note, "note").height for note in element.notes)
            self._notes(made, element.notes, x, (y + level - tall) / 2)
        made.height = meet + (ROUND if half else 0)
        made.exits = dict.fromkeys(element.names, 0.0)
        return made

    def _joint(self, made: Piece, joint: Step | None, y: float) -> float:
        """Place the box where ways meet at `y`; half of its width."""
        if joint is None:
            return 0.0
        box = self.box(joint)
        made.items.append(box.moved(0, y))
        made.left, made.right = max(made.left, box.width / 2), max(made.right, box.width / 2)
        return box.width / 2

    def _notes(self, made: Piece, notes: Sequence[str], x: float, top: float) -> float:
        """Lines of text to the right of a lane at `x`, from `top` on; their height."""
        y = top
        for text in (Text(note, "note") for note in notes):
            label = Label(x + 4, y + text.height / 2, text)
            made.items.append(label)
            made.right = max(made.right, label.bounds.right)
            y += text.height
        return y - top

    def parallel(self, element: Parallel) -> Piece:
        filled = [way for way in element.ways if way]
        if len(filled) == 1 and not element.split and not _goes_back(filled[0]):
            return self._around(element, filled[0])
        made, start = Piece(), 0.0
        if element.split:
            tag = self.step(Step((Text("split", "small"),), "join"))
            made.put(tag, 0, 0)
            start, made.arrow = tag.height, True
        ways = [way for way in element.ways if not _is_earlier(way)]
        pieces = [self.sequence(way) for way in ways]
        made.headless = not element.split and all(piece.headless for piece in pieces)
        back = [p for p, way in zip(pieces, ways, strict=True) if way and isinstance(way[0], Goto)]
        for i, piece in enumerate(reversed(back)):
            piece.raised(i * RISE)  # each line is to be told from those to columns on its right
        room = max(0, len(back) - 1) * RISE
        entry = GAP if not made.headless else GAP / 2 if pieces else 0.0
        top = start + room + entry
        tallest = max([piece.height for piece in pieces], default=0.0)
        meet = top + (tallest + GAP if tallest else 0.0)
        joint = self.box(element.joint)
        half, level = joint.width / 2, meet + joint.height / 2
        for x, piece in _spread(pieces):
            self._column(made, piece, x, (start, top), (meet, level), half)
        self._meet(made, element.joint, meet)
        earlier = [way[0] for way in element.ways if _is_earlier(way)]
        made.wants += [
            Want(goto, (half, level), True) for goto in earlier if isinstance(goto, Goto)
        ]
        return made

    def _meet(self, made: Piece, joint: Step, y: float) -> tuple[float, float]:
        """Place the box where ways meet and the piece ends; half its width, and its middle."""
        half = self._joint(made, joint, y)
        box = made.items[-1]
        assert isinstance(box, Box)
        made.height, level = y + box.height, y + box.height / 2
        made.exits = dict.fromkeys(joint.names, 0.0)
        if joint.facts:
            made.facts.append((level, joint.facts))
        return half, level

    def _column(
        self,
        made: Piece,
        piece: Piece,
        x: float,
        begin: tuple[float, float],
        end: tuple[float, float],
        half: float,
    ) -> None:
        """One way of several at `x`: from the line at `start` to its `top`, and to the joint."""
        (start, top), (meet, y) = begin, end
        if not piece.headless:
            points = ((0.0, start), (x, start), (x, top)) if x else ((0.0, start), (0.0, top))
            made.line(*points, arrow=piece.arrow)
        made.put(piece, x, top)
        if abs(x) < half:
            made.line((x, top + piece.height), (x, meet), arrow=True)
        else:
            side = half if x > 0 else -half
            made.line((x, top + piece.height), (x, y), (side, y), arrow=True)

    def _around(self, element: Parallel, way: tuple[Element, ...]) -> Piece:
        """One way with lines for the identity around it."""
        lanes = len(element.ways) - 1
        made, piece = Piece(), self.sequence(way)
        made.line((0, 0), (0, GAP), arrow=piece.arrow)
        made.put(piece, 0, GAP)
        meet = GAP + piece.height + GAP
        made.line((0, GAP + piece.height), (0, meet), arrow=True)
        half, level = self._meet(made, element.joint, meet)
        for i in range(lanes):
            x = max(piece.right, half) + LANE * (i + 1)
            points: tuple[Point, ...] = ((0, 0), (x, 0), (x, level), (half, level))
            made.items.append(Arc(points, "bypass", True, element.joint.id, element.joint.tip))
            made.right = max(made.right, x + 2)
        return made

    def framed(self, element: Framed) -> Piece:
        """A frame around elements, which its lines cross above and below."""
        inner = self.sequence(element.body)
        caption = Text(element.caption, "note")
        made, top = Piece(), caption.height + 2 * GAP
        made.line((0, 0), (0, top), arrow=inner.arrow)
        made.put(inner, 0, top)
        made.height = top + inner.height + GAP
        made.line((0, made.height - GAP), (0, made.height))
        left = made.left + 8
        right = max(made.right + 8, caption.width + 10)
        frame = Frame(-left, 3, left + right, made.height - 6, "group", element.id, element.caption)
        label = Label(5, 3 + caption.height / 2 + 2, caption)
        made.items = [frame, label, *made.items]
        made.left, made.right, made.exits = left, right, {}
        return made


def _spread(pieces: Sequence[Piece]) -> list[tuple[float, Piece]]:
    """Pieces beside each other with their axes, around the middle; one by itself stands in it."""
    for piece in pieces:
        piece.left, piece.right = max(piece.left, 5.0), max(piece.right, 5.0)
    total = sum(p.left + p.right for p in pieces) + APART * max(0, len(pieces) - 1)
    x = -pieces[0].left if len(pieces) == 1 else -total / 2
    made: list[tuple[float, Piece]] = []
    for piece in pieces:
        made.append((x + piece.left, piece))
        x += piece.left + piece.right + APART
    return made


def _goes_back(way: Sequence[Element]) -> bool:
    """Whether a way begins with another value than the one that comes in."""
    first = way[0]
    return isinstance(first, Goto) or (isinstance(first, Step) and first.kind == TAG)


def _is_earlier(way: tuple[Element, ...]) -> bool:
    """Whether a way is an earlier value and nothing else."""
    return len(way) == 1 and isinstance(way[0], Goto)


def laid_out(engine: Engine, elements: Sequence[Element]) -> Piece:
    """Elements in their places; an earlier value whose line would cross a box has a tag instead."""
    while True:
        piece = Engine(engine.colours).sequence(elements)
        if not piece.wants:
            return piece
        elements = _tagged(elements, {id(want.goto) for want in piece.wants})


def _tagged(elements: Sequence[Element], far: set[int]) -> tuple[Element, ...]:
    """The elements with tags for some earlier values."""
    made: list[Element] = []
    for one in elements:
        if isinstance(one, Goto) and id(one) in far:
            one = Step((Text(f"from {one.name}", "note"),), TAG)
        elif isinstance(one, Parallel):
            one = replace(one, ways=tuple(_tagged(way, far) for way in one.ways))
        elif isinstance(one, Shortcut):
            branch, way, before = (_tagged(p, far) for p in (one.branch, one.way, one.before))
            one = replace(one, branch=branch, way=way, before=before)
        elif isinstance(one, Framed):
            one = replace(one, body=_tagged(one.body, far))
        made.append(one)
    return tuple(made)
