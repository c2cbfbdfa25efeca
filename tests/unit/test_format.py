"""The canonical form of specs: what it is, and that nothing is lost on the way to it."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
import yaml

from rescompile.api import open_spec
from rescompile.conformance.networks import compiled
from rescompile.errors import SpecError
from rescompile.language.format import canonical
from rescompile.language.format.write import BLOCK, ORDER
from rescompile.language.load import LIBRARY_KEYS, zoo, zoo_directory
from rescompile.language.models import BlockSpec, Spec
from rescompile.language.yaml import read

FILES = sorted(zoo_directory().rglob("*.yaml"))


def form(text: str) -> str:
    made = canonical(text.encode(), "spec.yaml")
    assert canonical(made.encode(), "spec.yaml") == made
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_specs_are_in_the_form(path: Any) -> None:
    assert form(path.read_text("utf-8")) == path.read_text("utf-8")


@pytest.mark.parametrize("name", zoo())
def test_the_form_means_the_same(name: str, tmp_path: Any) -> None:
    """A spec written out at length, as PyYAML and a careless hand would, compiles to the same."""
    net = compiled(name)
    data = list(read(net.resolved().encode(), "net").plain().items())
    random.Random(name).shuffle(data)
    careless = yaml.safe_dump(dict(data), sort_keys=False, indent=4, default_style='"')
    careless = re.sub(r'!!(int|float|bool|null) "(.*?)"', r"\2", careless)
    (tmp_path / "net.yaml").write_text(form(careless), "utf-8")
    assert open_spec(tmp_path / "net.yaml").text() == net.text()


def test_every_key_has_a_place() -> None:
    assert {*ORDER} == {*Spec.model_fields, *LIBRARY_KEYS, "extends"}
    assert {*BLOCK} == {*BlockSpec.model_fields}


def test_keys_style_quotes_and_comments() -> None:
    given = """\
# yaml-language-server: $schema=x

# about classes
classes: 10
"name": 'mine'
rescompile: 1   #version
input:   # the image
    channels: 3
    # tall
    height: 32


    width: 32 # wide
    # the end of the input
use: [ blocks/residual,   # lib
  blocks/gate ]
stem:
- conv: {channels: 8, kernel: 3,
     stride: 2}  # one
  # before the name
  name: a
- name: b  # bee
  block: "basic_block"
  # - commented: out
-   # dash
    norm: {}
    # inner
- {norm: {}, name: c}
head: [{global_avg_pool: {}}, {linear: {features: $classes}, name: fc}]  # all
parameters:
  w: "1.0"
  x: 1_000
title: |
  two
  lines # not a comment
# the end
"""
    wanted = """\
# yaml-language-server: $schema=x

rescompile: 1  # version
name: mine
title: |
  two
  lines # not a comment
input:  # the image
  channels: 3
  # tall
  height: 32

  width: 32  # wide
  # the end of the input

# about classes
classes: 10
use:
  - blocks/residual  # lib
  - blocks/gate
parameters: {w: "1.0", x: 1_000}
stem:
  - conv: {channels: 8, kernel: 3, stride: 2}  # one
    # before the name
    name: a
  - name: b  # bee
    block: basic_block
    # - commented: out
  # dash
  - norm: {}
    # inner
  - norm: {}
    name: c
head: [{global_avg_pool: {}}, {linear: {features: $classes}, name: fc}]  # all
# the end
"""
    assert form(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a: &x {b: 1}\nname: *x\n", "a: &x {b: 1}\nname: *x\n"),  # an anchor keeps its place
        ("a:\nb: ~\nc: []\n", "a:\nb: ~\nc: []\n"),
        ("a: {b: , c: 1}\n", "a: {b: null, c: 1}\n"),
        ("a: >\n  b\n  c\n\n  d\n", "a: |\n  b c\n  d\n"),
        ("a: 'it''s'\n", "a: it's\n"),
        ('a: "x\\ny "\n', 'a: "x\\ny "\n'),
        ("a: [[1, 2], [3]]\n", "a: [[1, 2], [3]]\n"),
        ("a:\n- - 1\n  - - 2\n", "a:\n  - [1, [2]]\n"),
        ("---\na: 1\n...\n", "a: 1\n"),
        ("\ufeffa: 1\r\n\r\n\r\nb: 2\r\n", "a: 1\n\nb: 2\n"),
        ("{b: 1, name: 2}\n", "name: 2\nb: 1\n"),
        ("blocks:\n  a: {body: [], about: x}\n  b:\n    body: []\n", None),
    ],
)
def test_small_things(given: str, wanted: str | None) -> None:
    blocks = "blocks:\n  a: {about: x, body: []}\n\n  b:\n    body: []\n"
    assert form(given) == (blocks if wanted is None else wanted)


def test_a_row_of_a_table_may_be_longer() -> None:
    row = "- {name: layer, block: some_block, " + ", ".join(f"p{i}: {i}" for i in range(12)) + "}"
    assert form(f"stages:\n  {row}\n") == f"stages:\n  {row}\n"
    spread = "\n    ".join(
        ["- name: layer", "block: some_block", *(f"p{i}: {i}" for i in range(12))]
    )
    assert form(f"stages:\n  {spread}\n") == f"stages:\n  {spread}\n"


def test_bad_yaml_is_told_as_everywhere() -> None:
    with pytest.raises(SpecError, match="E103"):
        canonical(b"a: 1\na: 2\n", "x.yaml")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a:\n- [ # c\n  ]\n- {} # d\n", "a:\n  - []  # c\n  - {}  # d\n"),
        ("a:\n- - [ # c\n    # d\n    ] # e\n", "a:\n  # d\n  # e\n  - - []  # c\n"),
        ("a: [ # c\n  ]\nb: 1\n", "a: []  # c\nb: 1\n"),
        ("a: [[ # c\n  ], 1]\n", "a:\n  - []  # c\n  - 1\n"),
        ("{ # c\n}\n", "{}\n# c\n"),
        ("a:\n  # nothing yet\nb: 1\n", "a:\n# nothing yet\nb: 1\n"),
        ("a: 1\n     # deep\n", "a: 1\n# deep\n"),
        ("a: |\n  x\n\n\nb: 1\n", "a: |\n  x\n\nb: 1\n"),
        ("&a\nb: 1\nname: 2\n", "name: 2\nb: 1\n"),
        ("\ufeff\ufeffb: 1\n", "b: 1\n"),
        ("a: 1\r\r\nb: 2\r", "a: 1\n\nb: 2\n"),
    ],
)
def test_comments_and_lines_of_all_kinds(given: str, wanted: str) -> None:
    assert form(given) == wanted


@pytest.mark.parametrize(
    "given", ["\ufeff\ufeff(", "\ufeff\ufeff\ufeff- 1", "x\r\r\n", "a: \u2028- - # d\n"]
)
def test_what_is_given_back_is_stable(given: str) -> None:
    form(given)
