"""The tree of a YAML text as it was written: style, quotes, anchors, comments and blank lines."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..yaml import LOADER, scalar

_TIGHT = re.compile(r"^(#+)(?=[^\s#!])")
Place = tuple[int, int]  # line and column, from zero


@dataclass(slots=True)
class Node:
    """A scalar with its `value`, an alias, or a collection of entries.

    `text` is a scalar as it was written, or an alias' name. `foot` are comments after the last
    entry.
    """

    kind: str  # scalar, alias, mapping or list
    start: Place
    end: Place = (0, 0)
    value: Any = None
    text: str = ""
    anchor: str = ""
    flow: bool = False
    entries: list[Entry] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)

    @property
    def inline(self) -> bool:
        """Whether it was written without block structure."""
        return self.kind in ("scalar", "alias") or self.flow


@dataclass(slots=True)
class Entry:
    """A value of a collection, with its key if that is a mapping, and the comments about it."""

    node: Node
    key: Node | None = None
    head: list[str] = field(default_factory=list)  # comments above it
    tail: list[str] = field(default_factory=list)  # comments on its line
    blank: bool = False  # whether a blank line stood above it
    dash: int | None = None  # the column of its dash

    @property
    def start(self) -> Place:
        return (self.key or self.node).start

    @property
    def column(self) -> int:
        return self.start[1] if self.dash is None else self.dash


@dataclass(slots=True)
class Document:
    """A root, the comments about the file, `apart` from the rest or not, and all comments."""

    root: Node
    head: list[str]
    apart: bool
    comments: list[str]
    anchored: bool


def parse(text: str) -> Document:
    """The tree of a text that the spec's reader has accepted: one document, bounded in depth."""
    root, spans = _nodes(text)
    found = list(_comments(text, spans))
    lines = text.split("\n")
    places = Places(root)
    entries = places.entries
    above = [bool(line.strip()) for line in lines[: entries[0].start[0]]] if entries else []
    last_blank = max((i for i, filled in enumerate(above) if not filled), default=None)
    head = []
    for place, alone, comment in found:
        # A comment is about the file: a blank line follows, or none does down to the first entry.
        apart = last_blank is None or place[0] <= last_blank
        if alone and entries and place < entries[0].start and apart:
            head.append(comment)
        else:
            _attach(places, place, alone, comment)
    _see_blanks(entries, lines)
    anchored = any(n.anchor for e in entries for n in (e.key, e.node) if n)
    apart = bool(head) and entries[0].blank
    return Document(root, head, apart, [comment for _, _, comment in found], anchored)


class Places:
    """The entries of a tree in their order in the text, to be found by place without a search."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.entries: list[Entry] = []
        self.inside: dict[int, tuple[int, int]] = {}  # the entries below each collection
        self.ending: dict[int, list[Entry]] = {}  # on each line, those without block structure
        self.walk(root)
        self.starts = [entry.start for entry in self.entries]  # in order

    def walk(self, node: Node) -> None:
        first = len(self.entries)
        for entry in node.entries:
            self.entries.append(entry)
            if entry.node.inline:
                self.ending.setdefault(entry.node.end[0], []).append(entry)
            self.walk(entry.node)
        self.inside[id(node)] = (first, len(self.entries))


def _see_blanks(entries: list[Entry], lines: list[str]) -> None:
    """Tell each entry whether a blank line stands between it and what is before it."""
    last = 0
    for entry in entries:
        entry.blank = any(not line.strip() for line in lines[last + 1 : entry.start[0]])
        end = entry.node.end if entry.node.inline else (entry.key or entry.node).start
        last = max(last, end[0])


def _nodes(text: str) -> tuple[Node, list[tuple[int, int]]]:
    """The root, and where in the text scalars stand."""
    stack: list[Node] = []
    keys: list[Node | None] = []
    spans: list[tuple[int, int]] = []
    root = None
    events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
    for event in events:
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = stack.pop()
            keys.pop()
            last = done.entries[-1].node.end if done.entries else done.start
            done.end = _end(event) if done.flow else last
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        node = _node(event, text)
        if node.kind == "scalar":
            spans.append(_span(event, text))
        if not stack:
            root = node
        elif stack[-1].kind == "list":
            dash = None if stack[-1].flow else stack[-1].start[1]
            stack[-1].entries.append(Entry(node, dash=dash))
        elif keys[-1] is None:
            keys[-1] = node
        else:
            stack[-1].entries.append(Entry(node, keys[-1]))
            keys[-1] = None
        if node.kind in ("mapping", "list"):
            stack.append(node)
            keys.append(None)
    assert root is not None  # the reader has accepted the text
    return root, spans


def _span(event: Any, text: str) -> tuple[int, int]:
    """Where a scalar's own text stands: a `|` may have a comment on its line."""
    start = event.start_mark.index
    if event.style in ("|", ">"):
        start = text.find("\n", start) % (len(text) + 1)
    return start, event.end_mark.index


def _end(event: Any) -> Place:
    return event.end_mark.line, event.end_mark.column


def _node(event: Any, source: str) -> Node:
    start = (event.start_mark.line, event.start_mark.column)
    end = _end(event)
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", start, end, text=event.anchor or "")
    anchor = event.anchor or ""
    if isinstance(event, yaml.ScalarEvent):
        text = event.value or ""
        value = scalar(text) if event.implicit[0] else text
        if event.style in ("|", ">"):
            end = _literal_end(event, source)
        return Node("scalar", start, end, value, text, anchor)
    kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
    return Node(kind, start, end, anchor=anchor, flow=bool(event.flow_style))


def _literal_end(event: Any, source: str) -> Place:
    """Where a `|` ends: before the blank lines below it, and not after them."""
    written = source[event.start_mark.index : event.end_mark.index].rstrip()
    line = event.start_mark.line + written.count("\n")
    return line, len(written) - written.rfind("\n") - 1


def _comments(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[Place, bool, str]]:
    """Each comment: its place, whether it is alone on its line, and its text."""
    after = line = counted = 0
    for start, stop in [*spans, (len(text), len(text))]:
        while (found := text.find("#", after, start)) >= 0:
            begin = text.rfind("\n", 0, found) + 1
            end = text.find("\n", found)
            end = len(text) if end < 0 else end
            comment = text[found:end].rstrip()
            if not comment.startswith("# "):
                comment = _TIGHT.sub(r"\1 ", comment)
            before = text[begin:found]
            alone = not before.strip(" \t-")  # after a dash it is about what follows
            column = len(before) - len(before.lstrip()) if alone and before.strip() else len(before)
            line += text.count("\n", counted, found)
            counted = found
            yield (line, column), alone, comment
            after = end
        after = max(after, stop)


def _attach(places: Places, place: Place, alone: bool, comment: str) -> None:
    """Give a comment to the entry that it is about, or to the collection that it ends."""
    root, entries = places.root, places.entries
    if alone:
        following = bisect_right(places.starts, place)
        ended = _ended(places, place, following)
        if ended is not None:
            ended.foot.append(comment)
        elif following < len(entries):
            entries[following].head.append(comment)
        return
    before = bisect_left(places.starts, place)
    if not before:
        (entries[0].head if entries else root.foot).append(comment)
        return
    entry = entries[before - 1]
    ending = places.ending.get(place[0], ())
    done = [e for e in ending if e.start < place and (place[0], 0) < e.node.end <= place]
    if done:
        latest = max(e.node.end for e in done)
        outermost = next(e for e in done if e.node.end == latest)
        entry = outermost if entry.start < latest else entry
    entry.tail.append(comment)


def _ended(places: Places, place: Place, following: int) -> Node | None:
    """The collection whose last comment stands at `place`: deeper than what follows it."""
    found, node = None, places.root
    last = following == len(places.entries)
    while True:
        first, end = places.inside[id(node)]
        if last or not first <= following < end:
            inside = place < node.end if node.flow else node.start[1] <= place[1]
            if inside or node is places.root:
                found = node
        past = bisect_left(node.entries, place, key=lambda entry: entry.start)
        if not past or (node.flow and place > node.end):
            break
        node = node.entries[past - 1].node
        if node.kind in ("scalar", "alias"):
            break
    if not last and found is not None and not found.flow:
        return found if place[1] > places.entries[following].column else None
    return found
