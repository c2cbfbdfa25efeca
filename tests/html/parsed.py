"""An HTML page as a tree, read strictly: what is opened is closed, in order, and no id is twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


@dataclass
class Element:
    """An element with its attributes, and what stands in it: text and elements, in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def walk(self) -> Iterator[Element]:
        """It and all elements in it, in the order of the page."""
        yield self
        for one in self.inside:
            if isinstance(one, Element):
                yield from one.walk()

    def all(self, *tags: str) -> list[Element]:
        return [one for one in self.walk() if one.tag in tags]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only element of a tag with these attributes."""
        found = [
            one
            for one in self.all(tag)
            if all(one.attributes.get(name) == value for name, value in attributes.items())
        ]
        assert len(found) == 1, f"{len(found)} {tag} {attributes}"
        return found[0]

    def by_id(self, id: str) -> Element:
        found = [one for one in self.walk() if one.attributes.get("id") == id]
        assert len(found) == 1, f"{len(found)} elements with id {id}"
        return found[0]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        assert len(made.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.stack[-1].inside.append(made)
        if tag not in VOID:
            self.stack.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert any(one.tag == "svg" for one in self.stack), f"<{tag}/> outside of an SVG"
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].inside.append(made)

    def handle_endtag(self, tag: str) -> None:
        last = self.stack.pop()
        assert last.tag == tag, f"</{tag}> closes <{last.tag}>"

    def handle_data(self, data: str) -> None:
        self.stack[-1].inside.append(data)


def parse(text: str) -> Element:
    """The page's root. Fails where an element is not closed."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert len(parser.stack) == 1, [one.tag for one in parser.stack]
    return parser.stack[0]
