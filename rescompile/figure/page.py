"""Whole pictures: networks side by side, or a strip with its panels packed beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..cost.cost import network_cost
from ..ir.analysis import Analysis
from ..ir.structure import Network
from ..ops import show_shape
from ..prose import visible
from . import folded, paper
from .diagram import Step
from .layout import GAP, TAG, Engine, laid_out
from .scene import Arc, Box, Frame, Item, Label, Point, Scene, Text, bounds_of

MARGIN = 16.0
BETWEEN = 22.0  # between two panels, and between two networks
COLUMN = 12.0  # between two columns of figures
ROW = 18.0  # from one input to the next
UNSAID = "What is not said is the language's default."
HEADS = ("output", "parameters", "mult-adds")
RATIO = 1.25  # of width to height that a page tends to
LOWER = 0.25  # how much better a page must be for its panels to stand below the strip
MOST = 2.0  # to one is the greatest ratio of the sides of a page


def _title(analysis: Analysis) -> str:
    return visible(analysis.network.title or analysis.network.name)


def _scene(title: str, items: Sequence[Item]) -> Scene:
    """The items with a margin around them."""
    extent = bounds_of(items)
    dx, dy = MARGIN - extent.left, MARGIN - extent.top
    width, height = (extent.right + dx + MARGIN, extent.bottom + dy + MARGIN)
    return Scene(title, width, height, tuple(item.moved(dx, dy) for item in items))


# -- the paper's style ---------------------------------------------------------------------------


def paper_scene(analyses: Sequence[Analysis]) -> Scene:
    """Networks side by side, aligned where the size of their outputs changes."""
    engine, columns = Engine(), list[list[Item]]()
    for analysis in analyses:
        steps = paper.elements(analysis.elaborated.root.items)
        piece = laid_out(engine, [*_image(analysis.network), *steps])
        head = Text(_title(analysis), "head")
        prefix = f"{analysis.network.name}."
        items = [_identified(item, prefix) for item in piece.items]
        columns.append([Label(0, -GAP - head.height / 2, head, "middle"), *items])
    _align(columns, engine)
    placed, x = list[Item](), 0.0
    for items in columns:
        extent = bounds_of(items)
        placed += [item.moved(x - extent.left, 0) for item in items]
        x += extent.right - extent.left + BETWEEN
    placed += _sizes(columns, engine)
    return _scene(", ".join(map(_title, analyses)), placed)


def _image(network: Network) -> Iterator[Step]:
    """What stands above the first step; of several inputs each is named where it is taken."""
    if len(network.inputs) == 1:
        size = "x".join(map(str, network.input[1:]))
        yield Step((Text("image"),), TAG, tip=f"input {size}", size=network.input[1:])


def _identified(item: Item, prefix: str) -> Item:
    if isinstance(item, (Box, Arc)) and item.id:
        return replace(item, id=prefix + item.id)
    return item


def _starts(items: Iterable[Item]) -> dict[int, float]:
    """The top of the first box of each output size, by its colour."""
    found: dict[int, float] = {}
    for item in items:
        if isinstance(item, Box) and item.colour is not None and item.kind != "join":
            found[item.colour] = min(found.get(item.colour, math.inf), item.y)
    return found


def _align(columns: list[list[Item]], engine: Engine) -> None:
    """Stretch the networks so that the first boxes of each output size stand at one height."""
    for colour in sorted(engine.colours.values()):
        starts = [_starts(items).get(colour) for items in columns]
        level = max((y for y in starts if y is not None), default=0.0)
        for i, y in enumerate(starts):
            if y is not None and y < level:
                columns[i] = [_lowered(item, y - GAP / 2, level - y) for item in columns[i]]


def _lowered(item: Item, line: float, by: float) -> Item:
    """An item, with all of it that is below a line moved down."""
    if isinstance(item, Arc):
        points = tuple((x, y + by if y > line else y) for x, y in item.points)
        return Arc(points, item.kind, item.arrow, item.id, item.tip)
    return item.moved(0, by) if item.y > line else item


def _sizes(columns: list[list[Item]], engine: Engine) -> list[Item]:
    """The sizes of outputs at the left side, at the height where they begin."""
    made: list[Item] = []
    starts = [_starts(items) for items in columns]
    for size, colour in engine.colours.items():
        found = [start[colour] for start in starts if colour in start]
        if found and colour:
            shown = str(size[0]) if len(set(size)) == 1 else "x".join(map(str, size))
            text = Text(f"output size: {shown}", "small")
            made.append(Label(-14, min(found) + 8, text, "end"))
    return made


# -- the folded style ----------------------------------------------------------------------------


def folded_scene(analysis: Analysis, opened: Iterable[str] = ()) -> Scene:
    """The strip of stages, and a panel for each kind of block beside it."""
    left = _strip(analysis, opened)
    framed = [_panel(panel) for panel in folded.panels(analysis)]
    return _scene(_title(analysis), _packed(left, framed))


def _strip(analysis: Analysis, opened: Iterable[str]) -> list[Item]:
    engine, network = Engine(), analysis.network
    piece = laid_out(engine, folded.strip(analysis, opened))
    items, title = list(piece.items), Text(_title(analysis), "title")
    total = network_cost(analysis.elaborated)
    sums = folded.told("", "total", total)
    several, entries = len(network.inputs) > 1, []
    for i, (name, shape) in enumerate(reversed([*network.inputs.items()])):
        at = -GAP - 6 - i * ROW
        entries.append((at, ("", show_shape(shape), "", "")))
        items.append(Label(0, at, Text(name if several else "input", "small"), "middle"))
    rows = [*entries, *piece.facts, (piece.height + GAP + 6, sums)]
    items += [] if several else [Arc(((0, -GAP), (0, 0)), "flow", True)]
    names = [Label(-piece.left - 8, y, Text(facts[0], "small"), "end") for y, facts in rows]
    items += [label for label in names if label.text.text]
    x = max(piece.right, 40.0)
    for i, name in enumerate(HEADS, 1):
        texts = [(y, Text(facts[i], "small")) for y, facts in rows if facts[i]]
        texts.insert(0, (-GAP - 24 - (len(network.inputs) - 1) * ROW, Text(name, "note")))
        x += COLUMN + max(text.width for _, text in texts)
        items += [Label(x, y, text, "end") for y, text in texts]
    extent = bounds_of(items)
    items.append(Label(extent.left, extent.bottom + 16, Text(UNSAID, "note")))
    items.append(Label(extent.left, extent.top - 16, title))
    return items


def _panel(panel: folded.Panel) -> list[Item]:
    piece = laid_out(Engine(), panel.body)
    if not piece.headless:
        piece.line((0, -GAP), (0, 0), arrow=piece.arrow)
    piece.line((0, piece.height), (0, piece.height + GAP), arrow=True)
    extent = bounds_of(piece.items)
    width = max(extent.right - extent.left, *(text.width for text in panel.head))
    left = extent.left - max(0.0, width - (extent.right - extent.left)) / 2 - 10
    head_height = sum(text.height for text in panel.head) + 8
    top = extent.top - head_height - 6
    frame = Frame(left, top, width + 20, extent.bottom + 8 - top, "panel", panel.id)
    items: list[Item] = [frame]
    y = top + 6
    for text in panel.head:
        items.append(Label(left + 10, y + text.height / 2, text))
        y += text.height
    return [*items, *piece.items]


def _packed(left: list[Item], panels: list[list[Item]]) -> list[Item]:
    """The strip with the panels beside it or below it, as makes a page of good proportions."""
    strip = bounds_of(left)
    beside = (strip.right + BETWEEN * 1.5, strip.top)
    below = (strip.left, strip.bottom + BETWEEN)
    best: tuple[float, list[Item]] = (math.inf, left)
    for place in (beside, below):
        for count in range(1, len(panels) + 1):
            placed = [*left, *_columns(panels, count, place)]
            extent = bounds_of(placed)
            ratio = (extent.right - extent.left) / (extent.bottom - extent.top)
            score = abs(math.log(ratio / RATIO)) + (place == below) * LOWER
            score += max(ratio, 1 / ratio) > MOST
            best = min(best, (score, placed), key=lambda one: one[0])
    return best[1]


def _columns(panels: list[list[Item]], count: int, place: Point) -> list[Item]:
    """Panels in `count` columns from `place` on, each below the column that is the shortest."""
    x, top = place
    heights = [top] * count
    chosen: list[list[list[Item]]] = [[] for _ in range(count)]
    for panel in panels:
        i = heights.index(min(heights))
        extent = bounds_of(panel)
        chosen[i].append([item.moved(0, heights[i] - extent.top) for item in panel])
        heights[i] += extent.bottom - extent.top + BETWEEN
    placed = list[Item]()
    for column in chosen:
        width = 0.0
        for panel in column:
            extent = bounds_of(panel)
            placed += [item.moved(x - extent.left, 0) for item in panel]
            width = max(width, extent.right - extent.left)
        x += width + BETWEEN
    return placed
