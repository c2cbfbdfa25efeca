"""YAML with positions: a tree of nodes that know where they stand, read under strict bounds.

libyaml scans; the tree is built from its events without recursion, so that depth, size and aliases
can be bounded before anything grows. Scalars follow YAML 1.2: `yes` and `on` are strings, and 3.6e9
is a number. Duplicate keys, merge keys and tags are errors.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import Diagnostic, Location, SpecError

MAX_BYTES = 1 << 20
MAX_DEPTH = 60
MAX_NODES = 50_000
LONG = 100  # characters that count as a value of their own
DEEP = "make blocks of the inner steps, and call them by `block:`"
# What libyaml says, and what one has done when it does.
WAYS = {
    "could not find expected ':'": "a key has a colon and a space after it: `name: resnet34`",
    "mapping values are not allowed": "put quotes around a text that holds a colon and a space; "
    "check the indentation",
    "expected '-' indicator": "what belongs together stands in one column: check the indentation",
    "did not find expected key": "the keys of a mapping stand in one column: check the indentation",
    "expected ',' or '}'": "put commas between the entries, and close the bracket",
    "expected ',' or ']'": "put commas between the elements, and close the bracket",
}
Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Item:
    """A node of the tree: `value` is a scalar, a list of items, or a dict of key to item.

    `at` is where the value stands, `key_at` where its key does, if it has one.
    """

    value: Any
    at: Location
    key_at: Location | None = None
    size: int = 1

    @property
    def label(self) -> str:
        """What a mapping calls itself by its key `name`; empty for all else."""
        name = self.value.get("name") if isinstance(self.value, dict) else None
        return name.value if name is not None and isinstance(name.value, str) else ""

    def plain(self) -> Any:
        """The value as plain Python data."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def find(self, path: Path) -> Item:
        """The item at `path`, or the nearest one above it."""
        item = self
        for part in path:
            try:
                item = item.value[part]
            except (KeyError, IndexError, TypeError):
                return item
        return item


@dataclass(slots=True)
class _Open:
    """A collection that is being read; `key` waits for its value."""

    item: Item
    key: str | None = None
    key_at: Location | None = None
    anchor: str | None = None


class Reader:
    """Builds the tree of one file from libyaml's events."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.split("\n")
        self.text = text
        self.anchors: dict[str, Item] = {}
        self.open: list[_Open] = []
        self.root: Item | None = None
        self.count = 0

    def read(self) -> Item:
        """The root item. Raises `SpecError`."""
        try:
            for event in yaml.parse(self.text, Loader=LOADER):
                self.event(event)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise self.syntax(error) from None
        if self.root is None:
            at = Location(self.file, 1, 1, self.lines[0])
            raise self.fail("E101", "the file is empty", at, help="a spec starts: `rescompile: 1`")
        return self.root

    def event(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.add(self.scalar(event), event.anchor)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.start(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            done = self.open.pop()
            self.add(done.item, done.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            help = "remove the `---`, or make a file of each document"
            raise self.fail("E101", "a spec is one YAML document", self.at(event), help)

    def start(self, event: Any) -> None:
        at = self.at(event)
        if event.tag is not None and not event.implicit:
            raise self.tag(event, at)
        if len(self.open) >= MAX_DEPTH:
            raise self.fail("E102", f"nested deeper than {MAX_DEPTH} levels", at, DEEP)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.open.append(_Open(Item(value, at), anchor=event.anchor))

    def alias(self, event: Any) -> None:
        item = self.anchors.get(event.anchor)
        if item is None:
            help = f"an alias stands after its anchor, not inside of it: `&{event.anchor}`"
            raise self.fail("E101", f"unknown alias *{event.anchor}", self.at(event), help)
        self.add(Item(item.value, item.at, size=item.size), None)

    def scalar(self, event: Any) -> Item:
        at = self.at(event)
        if event.tag is not None and not any(event.implicit):
            raise self.tag(event, at)
        value = scalar(event.value) if event.implicit[0] else event.value
        return Item(value, at, size=1 + len(event.value) // LONG)

    def tag(self, event: Any, at: Location) -> SpecError:
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        help = "remove the tag: a spec is plain data"
        return self.fail("E101", f"the tag {shown} is not allowed", at, help)

    def add(self, item: Item, anchor: str | None) -> None:
        self.count += item.size if anchor is None and item.size > 1 else 1
        if self.count > MAX_NODES:
            help = "repeat a block with `repeat:` instead of writing its steps many times"
            message = f"more than {MAX_NODES} values, aliases expanded"
            raise self.fail("E102", message, item.at, help)
        if anchor is not None:
            self.anchors[anchor] = item
        if not self.open:
            self.root = item
            return
        parent = self.open[-1]
        parent.item.size += item.size
        if isinstance(parent.item.value, list):
            parent.item.value.append(item)
        elif parent.key is None:
            self.key(parent, item)
        else:
            item.key_at = parent.key_at
            parent.item.value[parent.key] = item
            parent.key = None

    def key(self, parent: _Open, item: Item) -> None:
        key = item.value
        if key == "<<":
            raise self.fail(
                "E101",
                "merge keys are not allowed",
                item.at,
                help="write the keys out, or make a block of the steps",
            )
        if not isinstance(key, str):
            shown = "a collection" if isinstance(key, (dict, list)) else repr(key)
            help = "a key is a word before a colon; put quotes around it if it looks like a number"
            raise self.fail("E101", f"a key must be a string, not {shown}", item.at, help)
        if key in parent.item.value:
            first = parent.item.value[key].key_at
            raise self.fail(
                "E103",
                f"the key '{key}' stands twice",
                item.at,
                help=f"the first one is on line {first.line}; remove one of them",
            )
        parent.key, parent.key_at = key, item.at

    def at(self, event: Any) -> Location:
        mark = event.start_mark
        return self.location(mark.line, mark.column)

    def location(self, line: int, column: int) -> Location:
        text = self.lines[line] if line < len(self.lines) else ""
        return Location(self.file, line + 1, column + 1, text)

    def syntax(self, error: Exception) -> SpecError:
        """What the scanner could not read; of a deep nesting each scanner says something else."""
        mark = getattr(error, "problem_mark", None)
        at = self.location(mark.line, mark.column) if mark else Location(self.file, 1, 1)
        if isinstance(error, RecursionError) or _unclosed(self.text) > MAX_DEPTH:
            return self.fail("E102", f"nested deeper than {MAX_DEPTH} levels", at, DEEP)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        context, began = getattr(error, "context", None), getattr(error, "context_mark", None)
        help = "check the indentation and the brackets" + (f" ({context})" if context else "")
        help = next((way for said, way in WAYS.items() if said in problem), help)
        if "\t" in at.text:
            help = "indent with spaces: YAML has no tabs"
        elif began and (not at.text.strip() or context == "while scanning a simple key"):
            at = self.location(began.line, began.column)
        return self.fail("E101", f"not YAML: {problem}", at, help=help)

    def fail(self, code: str, message: str, at: Location, help: str = "") -> SpecError:
        return SpecError([Diagnostic(code, message, at, help=help)])


def _unclosed(text: str) -> int:
    """How many brackets of a text that cannot be read are never closed."""
    return sum(text.count(left) - text.count(right) for left, right in ("[]", "{}"))


def scalar(text: str) -> str | int | float | bool | None:
    """What a plain scalar means, by the rules of YAML 1.2."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.match(text) and len(text) < 40:
        return int(text.replace("_", ""))
    if _FLOAT.match(text) and len(text) < 40 and math.isfinite(float(text)):
        return float(text)
    return text


def escape(character: str) -> str:
    """A character as it is written between double quotes where it cannot be seen."""
    code = ord(character)
    letter, width = ("x", 2) if code < 1 << 8 else ("u", 4) if code < 1 << 16 else ("U", 8)
    return f"\\{letter}{code:0{width}x}"


def normal(text: str) -> str:
    """The text with line feeds for every end of line of YAML 1.2, and without marks of byte order.

    It means the same, and its own normal text is itself.
    """
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _position(text: str, index: int, file: str) -> Location:
    start = text.rfind("\n", 0, index) + 1
    line = text[start:].split("\n", 1)[0]
    return Location(file, text.count("\n", 0, index) + 1, index - start + 1, line)


def read(data: bytes, file: str) -> Item:
    """The tree of a YAML file's bytes. Raises `SpecError`."""
    start = Location(file, 1, 1)
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES >> 20} MiB"
        help = "repeat blocks with `repeat:`, and put blocks into libraries"
        raise SpecError([Diagnostic("E102", message, start, help=help)])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x}"
        at = _position(data.decode("utf-8", "replace"), len(before), file)
        help = "save the file as UTF-8"
        raise SpecError([Diagnostic("E101", message, at, help=help)]) from None
    control = _CONTROL.search(text)
    if control:
        message = f"the file holds a control character, U+{ord(control.group()):04X}"
        at = _position(text, control.start(), file)
        raise SpecError([Diagnostic("E101", message, at, help="remove it")])
    return Reader(normal(text), file).read()
