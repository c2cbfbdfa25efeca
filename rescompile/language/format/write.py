"""The canonical form, written: order of keys, flow or block style, quotes, blank lines.

* Keys of a file stand in the order of `ORDER`, those of a block in that of `BLOCK`. A step's name
  comes first where it calls a block or groups steps, after the operation otherwise; the
  name of published weights comes first.
* A collection of scalars is on one line where that has at most `WIDTH` columns; a row of a table,
  written on one line, may have `ROW`. Another collection in braces stays so, but for a step of a
  list, and is spread out where it is longer. What holds comments is always spread out.
* Strings are plain where they can be, else in double quotes; of several lines, a literal block.
* A blank line stands between blocks, and one where there was one; comments stand two spaces off.
"""

from __future__ import annotations

import io
from functools import cache

from yaml.emitter import Emitter

from ..yaml import escape, scalar
from .tree import Document, Entry, Node

WIDTH = 100
ROW = 160
LONG = 10_000  # characters from which on a string is quoted unseen
ORDER = (
    *("rescompile", "extends", "name", "title", "class_name", "source"),
    *("about", "input", "inputs", "classes", "use"),
    *("parameters", "let", "shortcut", "defaults", "allow", "blocks", "stem", "stages", "head"),
    *("outputs", "features", "claims", "weights"),
)
BLOCK = ("about", "inputs", "outputs", "parameters", "let", "body", "sequence", "inline")
NAME_FIRST = ("block", "group", "url")


def write(document: Document) -> str:
    """The canonical text."""
    root = document.root
    if not document.anchored:  # an anchor stands before its aliases
        _order(root)
    for entry in root.entries:
        if _key(entry) == "blocks":
            for block in entry.node.entries[1:]:
                block.blank = True
    lines = [*document.head, *[""] * document.apart]
    if root.entries:
        root.flow = False
        lines += _block(root, 0)
    else:
        lines += ["{}", *root.foot]
    return "\n".join(lines) + "\n"


def _key(entry: Entry) -> str:
    return entry.key.text if entry.key is not None else ""


def _order(root: Node) -> None:
    _sort(root, ORDER)
    for entry in root.entries:
        if _key(entry) == "blocks":
            for block in entry.node.entries:
                _sort(block.node, BLOCK)
        _order_steps(entry.node)


def _sort(node: Node, order: tuple[str, ...]) -> None:
    if node.kind == "mapping":
        known = {key: i for i, key in enumerate(order)}
        node.entries.sort(key=lambda entry: known.get(_key(entry), len(known)))


def _order_steps(node: Node) -> None:
    for entry in node.entries:
        inner = entry.node
        if node.kind == "list" and inner.kind == "mapping":
            others = [e for e in inner.entries if _key(e) != "name"]
            named = [e for e in inner.entries if _key(e) == "name"]
            at = 0 if any(_key(e) in NAME_FIRST for e in others) else 1
            inner.entries = others[:at] + named + others[at:]
        _order_steps(inner)


def _block(node: Node, indent: int) -> list[str]:
    """The lines of a collection in block style."""
    lines: list[str] = []
    margin = " " * indent
    for i, entry in enumerate(node.entries):
        if entry.blank and i:
            lines.append("")
        lines += [margin + comment for comment in entry.head]
        lines += _entry(entry, indent)
    return lines + [margin + comment for comment in node.foot]


def _entry(entry: Entry, indent: int) -> list[str]:
    margin, node = " " * indent, entry.node
    if node.kind in ("mapping", "list") and not node.entries:
        entry.tail, node.foot = [*entry.tail[:1], *node.foot, *entry.tail[1:]], []
    start = margin + ("- " if entry.key is None else f"{_inline_key(entry.key)}: ")
    text = _line(entry, len(start))
    anchor = f"&{node.anchor}" if node.anchor else ""
    above = [margin + comment for comment in entry.tail[1:]]
    tail = "  " + entry.tail[0] if entry.tail else ""
    if text is not None:
        return [*above, (start + text).rstrip() + tail]
    if node.kind == "scalar":
        assert isinstance(node.value, str)
        chomp = "|" if node.value.endswith("\n") else "|-"
        inner = [f"{margin}  {line}".rstrip() for line in node.value.removesuffix("\n").split("\n")]
        return [*above, f"{start}{anchor} ".rstrip() + f" {chomp}{tail}", *inner]
    inner = _block(node, indent + 2)
    if entry.key is not None or anchor:
        return [*above, (start + anchor).rstrip() + tail, *inner]
    first = next(i for i, line in enumerate(inner) if not line.lstrip().startswith("#"))
    above += [margin + comment for comment in entry.tail[:1]]
    above += [margin + line.lstrip() for line in inner[:first]]
    return [*above, start + inner[first][len(start) :], *inner[first + 1 :]]


def _line(entry: Entry, column: int) -> str | None:
    """The value on one line, if that is how it is written."""
    node = entry.node
    text = _flow(node, block=True)
    if text is None or node.kind in ("scalar", "alias") or not node.entries:
        return text
    width = column + len(text)
    if all(_flat(inner.node) for inner in node.entries):
        return text if width <= (ROW if node.flow else WIDTH) else None
    named = len(node.entries) == 1 or any(_key(inner) == "name" for inner in node.entries)
    if not node.flow or (entry.key is None and node.kind == "mapping" and named):
        return None
    return text if width <= ROW else None


def _flat(node: Node) -> bool:
    """Whether it is a scalar, or a list of some."""
    if node.kind == "list" and node.entries:
        return all(entry.node.kind in ("scalar", "alias") for entry in node.entries)
    return node.kind in ("scalar", "alias")


def _flow(node: Node, block: bool = False) -> str | None:
    """A node on one line; none if it holds comments or several lines. `block`: not in braces."""
    anchor = f"&{node.anchor} " if node.anchor else ""
    if node.kind == "alias":
        return f"*{node.text}"
    if node.kind == "scalar":
        if block and isinstance(node.value, str) and _literal(node.value):
            return None
        return anchor + _scalar(node, block)
    parts = []
    for entry in node.entries:
        text = _flow(entry.node)
        if text is None or entry.head or entry.tail:
            return None
        parts.append(text if entry.key is None else f"{_inline_key(entry.key)}: {text}")
    if node.foot:
        return None
    opened, closed = "{}" if node.kind == "mapping" else "[]"
    return anchor + opened + ", ".join(parts) + closed


def _inline_key(key: Node) -> str:
    if key.kind == "alias":
        return f"*{key.text} "
    return (f"&{key.anchor} " if key.anchor else "") + _scalar(key, block=False)


def _scalar(node: Node, block: bool) -> str:
    if not isinstance(node.value, str):
        return node.text or ("" if block else "null")
    return node.value if _plain(node.value, block) else _quoted(node.value)


@cache
def _plain(value: str, block: bool) -> bool:
    """Whether a string can do without quotes, in block style or in braces."""
    if len(value) > LONG or not isinstance(scalar(value), str) or not value.isprintable():
        return False
    found = Emitter(io.StringIO(), allow_unicode=True).analyze_scalar(value)
    return bool(found.allow_block_plain if block else found.allow_flow_plain)


def _literal(value: str) -> bool:
    """Whether a string is shown best as a block of lines."""
    lines = value.removesuffix("\n").split("\n")
    return (
        "\n" in value
        and all(line.isprintable() and line == line.rstrip() for line in lines)
        and bool(lines[0])
        and bool(lines[-1])
        and not any(line.startswith(" ") for line in lines[:1])
    )


def _quoted(value: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}

    def escaped(c: str) -> str:
        if c in escapes or c.isprintable():
            return escapes.get(c, c)
        return escape(c)

    return f'"{"".join(map(escaped, value))}"'
