"""A scene as TikZ: a document of its own, which any TeX with TikZ compiles."""

from __future__ import annotations

from collections.abc import Iterator

from ..prose import visible
from .scene import BOLD, SIZES, Arc, Box, Frame, Item, Label, Scene, Text
from .svg import INK, LIGHT

POINT = 0.75  # of a pixel
MARK = "% Drawn by rescompile"  # begins each document: others are written by hand
ESCAPES = {
    **{c: f"\\{c}" for c in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
}
DASHES = {"projection": "densely dotted", "skip": "dashed", "group": "dashed"}
FILLS = {"layer": "c0", "call": "c4", "pool": "c6", "join": "white", "step": "white"}


def tikz(scene: Scene) -> str:
    """The document; `\\input` its tikzpicture, or include the PDF that it compiles to."""
    fills = [f"\\definecolor{{c{i}}}{{HTML}}{{{_hex(c)}}}" for i, c in enumerate(LIGHT)]
    ink, soft, _ = INK["light"]
    body = [line for item in _ordered(scene) for line in _item(item)]
    lines = [
        f"{MARK}: {visible(scene.title)}",
        r"\documentclass[tikz,border=2pt]{standalone}",
        r"\usepackage[utf8]{inputenc}",
        *fills,
        f"\\definecolor{{ink}}{{HTML}}{{{_hex(ink)}}}",
        f"\\definecolor{{soft}}{{HTML}}{{{_hex(soft)}}}",
        r"\begin{document}",
        f"\\begin{{tikzpicture}}[x={POINT}pt, y=-{POINT}pt, draw=soft, text=ink, "
        "every node/.style={inner sep=0pt, outer sep=0pt},",
        *(f"  {name}/.style={{font={_font(name)}}}," for name in SIZES),
        "  line/.style={rounded corners=3pt, line width=0.6pt}]",
        *body,
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _ordered(scene: Scene) -> list[Item]:
    order = (Frame, Arc, Box, Label)
    return sorted(scene.items, key=lambda item: order.index(type(item)))


def _hex(colour: str) -> str:
    return colour.removeprefix("#").upper()


def _font(style: str) -> str:
    size = SIZES[style] * POINT
    shape = r"\bfseries" if style in BOLD else r"\itshape" if style == "note" else ""
    return f"{{\\fontsize{{{size:.1f}}}{{{size:.1f}}}\\sffamily{shape}}}"


def escaped(text: str) -> str:
    """Text as TeX prints it; what a Latin font may lack is a question mark."""
    shown = (ESCAPES.get(c, c if ord(c) < 0x180 else "?") for c in visible(text))
    return "".join(shown)


def _item(item: Item) -> Iterator[str]:
    if isinstance(item, Label):
        yield _text(item.x, item.y, item.text, item.anchor)
    elif isinstance(item, Arc):
        tip = ", -latex" if item.arrow else ""
        dash = f", {DASHES[item.kind]}" if item.kind in DASHES else ""
        dark = "" if item.kind == "flow" else ", draw=ink"
        points = " -- ".join(f"({x:.1f},{y:.1f})" for x, y in item.points)
        yield f"\\draw[line{tip}{dash}{dark}] {points};"
    else:
        yield from _rectangle(item)


def _rectangle(item: Box | Frame) -> Iterator[str]:
    corners = f"({item.x:.1f},{item.y:.1f}) rectangle"
    corners += f" ({item.x + item.width:.1f},{item.y + item.height:.1f})"
    if isinstance(item, Frame):
        dash = ", dashed" if item.kind in DASHES else ""
        yield f"\\draw[rounded corners=4pt, soft!50{dash}] {corners};"
        return
    fill = FILLS.get(item.kind, "white") if item.colour is None else f"c{item.colour % 6}"
    round_ = item.kind == "join" and item.width == item.height
    corner = f"{item.width / 2 * POINT - 0.1:.1f}pt" if round_ else "2pt"
    draw = r"\fill[white]" if item.kind == "tag" else f"\\filldraw[fill={fill}]"
    yield f"{draw} [rounded corners={corner}] {corners};"
    y = item.y + (item.height - sum(line.height for line in item.lines)) / 2
    for line in item.lines:
        yield _text(item.x + item.width / 2, y + line.height / 2, line, "middle")
        y += line.height


def _text(x: float, y: float, text: Text, anchor: str) -> str:
    side = {"start": "mid west", "middle": "mid", "end": "mid east"}[anchor]
    return f"\\node[{text.style}, anchor={side}] at ({x:.1f},{y:.1f}) {{{escaped(text.text)}}};"
