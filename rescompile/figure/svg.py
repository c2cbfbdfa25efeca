"""A scene as SVG: no script, no font but the generic ones, the same bytes for the same scene."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from ..prose import visible
from .scene import BOLD, SIZES, Arc, Box, Frame, Item, Label, Point, Scene, Text

RADIUS = 5.0
BASELINE = 0.36  # of the size: how far the baseline lies below the middle of capitals
LIGHT = ("#dbe8f8", "#dcefdd", "#fdebcf", "#f9dcda", "#e7def4", "#d5eeee", "#ece9e0")
DARK = ("#24415f", "#264a30", "#594421", "#5b302e", "#433260", "#1f4c4e", "#45423a")
INK = {"light": ("#1b1f24", "#5b6470", "#ffffff"), "dark": ("#e8eaed", "#a3acb8", "#14171a")}


def svg(scene: Scene) -> str:
    """The document. It follows the light or dark mode of whoever shows it."""
    seen: dict[str, int] = {}
    width, height = _number(scene.width), _number(scene.height)
    title = escape(visible(scene.title))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">{title}</title>',
        f"<style>{_style()}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path class="tip" d="M0 0.8 8 4 0 7.2z"/></marker></defs>',
        f'<rect class="page" width="{width}" height="{height}"/>',
    ]
    order = (Frame, Arc, Box, Label)
    for item in sorted(scene.items, key=lambda item: order.index(type(item))):
        lines.extend(_item(item, seen))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _style() -> str:
    """Rules for light, then what differs in the dark: the order that every renderer understands."""
    fixed = [
        "text{font-family:sans-serif}",
        *(f".{name}{{font-size:{size:g}px}}" for name, size in SIZES.items()),
        f"{','.join(f'.{name}' for name in BOLD)}{{font-weight:bold}}",
        ".note{font-style:italic}",
        "rect{stroke-width:1}path{fill:none;stroke-width:1.2}",
        ".projection{stroke-dasharray:2 3}.skip{stroke-dasharray:6 3}.group{stroke-dasharray:4 3}",
    ]
    dark = "".join(_colours("dark", DARK))
    light = "".join(_colours("light", LIGHT))
    return f"{''.join(fixed)}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _colours(mode: str, fills: tuple[str, ...]) -> Iterator[str]:
    ink, soft, page = INK[mode]
    yield f".page{{fill:{page};stroke:none}}text{{fill:{ink}}}"
    yield f".note,.small{{fill:{soft}}}"
    yield f"path{{stroke:{soft}}}.identity,.projection,.bypass,.skip{{stroke:{ink}}}"
    yield f".tip{{fill:{soft};stroke:none}}"
    yield f".panel,.group{{fill:none;stroke:{soft}}}.panel{{stroke-opacity:.5}}"
    yield f".box{{fill:{page};stroke:{soft}}}.layer{{fill:{fills[0]}}}.call{{fill:{fills[4]}}}"
    yield f".tag{{stroke:none}}.pool{{fill:{fills[6]}}}"
    for i, fill in enumerate(fills[:6]):
        yield f".c{i}{{fill:{fill}}}"


def _item(item: Item, seen: dict[str, int]) -> Iterator[str]:
    if isinstance(item, Label):
        yield _text(item.x, item.y, item.text, item.anchor)
        return
    inner = f"<title>{escape(visible(item.tip))}</title>" if item.tip else ""
    head = "<g" + (f" id={quoteattr(_unique(item.id, seen))}" if item.id else "") + ">"
    bare = not inner and not item.id
    if isinstance(item, Arc):
        arrow = ' marker-end="url(#arrow)"' if item.arrow else ""
        shape = f'<path class="{item.kind}" d="{_path(item.points)}"{arrow}/>'
        yield shape if bare else f"{head}{inner}{shape}</g>"
        return
    place = " ".join(
        f'{key}="{_number(value)}"'
        for key, value in (
            ("x", item.x),
            ("y", item.y),
            ("width", item.width),
            ("height", item.height),
        )
    )
    if isinstance(item, Frame):
        shape = f'<rect class="{item.kind}" {place} rx="6"/>'
        yield shape if bare else f"{head}{inner}{shape}</g>"
        return
    colour = "" if item.colour is None or item.kind == "tag" else f" c{item.colour % 6}"
    round_ = item.kind == "join" and item.width == item.height
    radius = _number(item.width / 2 if round_ else 3)
    yield f"{head}{inner}"
    yield f'<rect class="box {item.kind}{colour}" {place} rx="{radius}"/>'
    y = item.y + (item.height - sum(line.height for line in item.lines)) / 2
    for line in item.lines:
        yield _text(item.x + item.width / 2, y + line.height / 2, line, "middle")
        y += line.height
    yield "</g>"


def _text(x: float, y: float, text: Text, anchor: str) -> str:
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    words, y = escape(visible(text.text)), y + BASELINE * text.size
    return f'<text class="{text.style}" x="{_number(x)}" y="{_number(y)}"{at}>{words}</text>'


def _unique(name: str, seen: dict[str, int]) -> str:
    """An id that no other element has; it has no space, as ids may not."""
    name = "-".join(visible(name).split())
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def _path(points: tuple[Point, ...]) -> str:
    """A line through the points, its corners rounded where there is room."""
    (x, y), *rest = points
    made = [f"M{_number(x)} {_number(y)}"]
    for i, (x, y) in enumerate(rest):
        if i + 1 == len(rest):
            made.append(f"L{_number(x)} {_number(y)}")
            continue
        before, after = points[i], rest[i + 1]
        one, two = _toward((x, y), before), _toward((x, y), after)
        made.append(f"L{_pair(one)}Q{_pair((x, y))} {_pair(two)}")
    return "".join(made)


def _toward(corner: Point, other: Point) -> Point:
    """A point near a corner, on the way to its neighbour."""
    (x, y), (z, w) = corner, other
    length = abs(z - x) + abs(w - y)
    share = min(RADIUS, length / 2) / length if length else 0.0
    return x + (z - x) * share, y + (w - y) * share


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """A length with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
