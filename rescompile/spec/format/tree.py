"""The tree of a YAML text as it was written: style, quotes, anchors, comments and blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..yaml import LOADER, scalar

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
    entries = list(_walk(root))
    lines = text.split("\n")
    head = []
    for place, alone, comment in found:
        if alone and entries and place < entries[0].start and _apart(lines, place, entries[0]):
            head.append(comment)
        else:
            _attach(root, entries, place, alone, comment)
    _see_blanks(entries, lines)
    anchored = any(n.anchor for e in entries for n in (e.key, e.node) if n) or bool(root.anchor)
    apart = bool(head) and entries[0].blank
    return Document(root, head, apart, [comment for _, _, comment in found], anchored)


def _apart(lines: list[str], place: Place, first: Entry) -> bool:
    """Whether a comment is about the file: a blank line follows, or none does down to `first`."""
    above = [bool(line.strip()) for line in lines[: first.start[0]]]
    return all(above) or not all(above[place[0] :])


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
        node = _node(event)
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


def _node(event: Any) -> Node:
    start = (event.start_mark.line, event.start_mark.column)
    end = _end(event)
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", start, end, text=event.anchor or "")
    anchor = event.anchor or ""
    if isinstance(event, yaml.ScalarEvent):
        text = event.value or ""
        value = scalar(text) if event.implicit[0] else text
        return Node("scalar", start, end, value, text, anchor)
    kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
    return Node(kind, start, end, anchor=anchor, flow=bool(event.flow_style))


def _comments(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[Place, bool, str]]:
    """Each comment: its place, whether it is alone on its line, and its text."""
    after = 0
    for start, stop in [*spans, (len(text), len(text))]:
        while (found := text.find("#", after, start)) >= 0:
            begin = text.rfind("\n", 0, found) + 1
            end = text.find("\n", found)
            end = len(text) if end < 0 else end
            comment = text[found:end].rstrip()
            shown = re.sub(r"^(#+)(?=[^\s#!])", r"\1 ", comment)
            before = text[begin:found]
            alone = not before.strip(" \t-")  # after a dash it is about what follows
            column = len(before) - len(before.lstrip()) if alone and before.strip() else len(before)
            yield (text.count("\n", 0, found), column), alone, shown
            after = end
        after = max(after, stop)


def _walk(node: Node) -> Iterator[Entry]:
    for entry in node.entries:
        yield entry
        yield from _walk(entry.node)


def _attach(root: Node, entries: list[Entry], place: Place, alone: bool, comment: str) -> None:
    """Give a comment to the entry that it is about, or to the collection that it ends."""
    if alone:
        following = next((e for e in entries if e.start > place), None)
        ended = _ended(root, place, following)
        if ended is not None:
            ended.foot.append(comment)
        elif following is not None:
            following.head.append(comment)
        return
    before = [entry for entry in entries if entry.start < place]
    if not before:
        (entries[0].head if entries else root.foot).append(comment)
        return
    begin = (place[0], 0)
    done = [entry for entry in before if entry.node.inline and begin < entry.node.end <= place]
    entry = before[-1]
    if done:
        latest = max(e.node.end for e in done)
        outermost = next(e for e in done if e.node.end == latest)
        entry = outermost if entry.start < latest else entry
    entry.tail.append(comment)


def _ended(root: Node, place: Place, following: Entry | None) -> Node | None:
    """The collection whose last comment stands at `place`: deeper than what follows it."""
    found, node = None, root
    while True:
        if following is None or not any(e is following for e in _walk(node)):
            inside = place < node.end if node.flow else node.start[1] <= place[1]
            if inside or node is root:
                found = node
        past = [e for e in node.entries if e.start < place]
        if not past or (node.flow and place > node.end):
            break
        node = past[-1].node
    if following is not None and found is not None and not found.flow:
        return found if place[1] > following.column else None
    return found
