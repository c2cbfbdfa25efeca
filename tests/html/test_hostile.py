"""Texts of a spec come out as text, whatever is in them: they make no element and steer nothing."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.html import page

from ..conftest import Write
from .parsed import Element, parse

NASTY = {
    "a script": "</title><script>alert(1)</script>",
    "the end of the style": "</style></script><img src=x onerror=alert(1)>",
    "an attribute": '" onload="alert(1)" x=\'',
    "a comment": "<!-- --!> <![CDATA[ ]]>",
    "an entity": "&lt;b&gt; &amp; &#x3c;",
    "a template": "{{ 7 * 7 }} {% raw %}",
}
# The language refuses these; what is made in Python may have them all the same.
UNSEEN = {
    "a control": "red \x1b[31m, bell \x07, nul \x00",
    "a direction": "abc \u202edef\u202c \u2066ghi",
    "a line break": "one\u2028two\x85three",
    "half a character": "\udcff",
}

SPEC = """\
rescompile: 1
name: mine
title: {text}
source: {text}
input: {{channels: 3, height: 8, width: 8}}
blocks:
  unit:
    about: {text}
    parameters: {{channels: {{type: int}}}}
    body:
      - conv: {{channels: $channels, kernel: 3, bias: true}}
      - norm: {{}}
stages:
  - {{name: body, block: unit, channels: 4}}
claims:
  - {{parameters: "120", where: {text}, about: {text}}}
"""


def shown(text: str) -> str:
    """A text as it is to be seen: what has no shape is an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def made(text: str, write: Write, twice: bool = False) -> str:
    net = open_spec(write(SPEC.format(text=json.dumps(text)), head=""))
    return page([net, net] if twice else [net])


def skeleton(root: Element) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes."""
    body = [one for one in root.walk() if not one.attributes.get("class", "").startswith("h")]
    return [(one.tag, tuple(one.attributes)) for one in body]


@pytest.mark.parametrize("twice", [False, True], ids=["alone", "compared"])
@pytest.mark.parametrize("what", NASTY)
def test_text_makes_no_element_and_no_attribute(what: str, twice: bool, write: Write) -> None:
    """The page has the elements that it has where the texts are harmless."""
    nasty = parse(made(NASTY[what], write, twice=twice))
    harmless = parse(made("harmless", write, twice=twice))
    assert skeleton(nasty) == skeleton(harmless)


@pytest.mark.parametrize("what", NASTY)
def test_text_is_seen_as_it_was_written(what: str, write: Write) -> None:
    text = NASTY[what]
    root = parse(made(text, write))
    seen = shown(text)
    assert root.one("h1").text == seen
    assert seen in root.one("title").text
    assert seen in root.one("dl", **{"class": "facts"}).text
    claim = root.by_id("net-1-claims")
    assert seen in claim.text
    row = next(one for one in root.all("tr") if one.all("th")[0].text == "parameters")
    assert [one.text for one in row.all("td")][3:] == [seen, seen]
    assert root.all("img")[0].attributes["alt"].startswith(seen)


@pytest.mark.parametrize("what", UNSEEN)
def test_nothing_in_the_page_is_invisible(what: str, write: Write) -> None:
    """No control, no mark of direction, no odd line break stands anywhere in it."""
    document = open_spec(write(SPEC.format(text="plain"), head="")).document
    changed = {"title": UNSEEN[what], "source": UNSEEN[what]}
    net = Architecture(replace(document, spec=document.spec.model_copy(update=changed)))
    text = page([net], versus=net)
    odd = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert odd == {"\n"}
    assert shown(UNSEEN[what]) in parse(text).one("dl", **{"class": "facts"}).text


def test_a_name_of_a_file_is_text_too(write: Write) -> None:
    spec = write(SPEC.format(text="plain"), name="<b>&'\"\x1b[1m", head="")
    net = open_spec(spec)
    root = parse(page([net]))
    assert "<b>&'\"\\x1b[1m.yaml" in root.one("dl", **{"class": "facts"}).text
    (place,) = (one for one in root.all("p") if one.attributes.get("class") == "place")
    assert "<b>&'\"\\x1b[1m.yaml:11:" in place.text
