"""The parts of the page that are computed: cells, bars, curves, colours."""

from __future__ import annotations

import pytest
from pygments.lexers.data import YamlLexer
from pygments.lexers.python import PythonLexer

from rescompile.errors import Diagnostic, Location
from rescompile.html.comparison import signed
from rescompile.html.findings import sentence, warnings
from rescompile.html.memory import outline
from rescompile.html.sources import AS_IS, highlight
from rescompile.html.tables import by, number, percentage, pixels, shape, size, width


def test_cells_sort_by_numbers_where_their_text_is_none() -> None:
    assert (number(1_234).text, number(1_234).key) == ("1,234", "")
    assert (size(6_422_528).text, size(6_422_528).key) == ("6.42 MB", "6422528")
    assert (shape((64, 7, 7)).text, shape((64, 7, 7)).key) == ("64 \u00d7 7 \u00d7 7", "3136")
    assert (pixels((899, 899), "full", "Infinity").text) == "899"
    assert (pixels(None, "full", "Infinity").key) == "Infinity"
    assert pixels((7, 3), "full", "Infinity").text == "7 \u00d7 3"


@pytest.mark.parametrize("made", [number(0, 5), size(0, 5), percentage(0, 5)])
def test_zeros_are_pale_and_have_no_bar(made: object) -> None:
    assert getattr(made, "mark") == "zero"  # noqa: B009
    assert not getattr(made, "bar")  # noqa: B009


def test_the_longest_bar_is_whole() -> None:
    assert [width(n, 8) for n in (0, 1, 2, 8)] == ["", "12.5%", "25.0%", "100.0%"]
    assert width(3, 0) == ""


def test_sizes_are_written_with_the_sign_of_multiplication() -> None:
    assert by((224, 224)) == "224 \u00d7 224"
    assert by((1.5, 2.0)) == "1.5 \u00d7 2"


def test_changes_have_a_sign() -> None:
    assert [signed(n) for n in (20_200, -512, 0)] == ["+20.2 k", "\u2212512", "0"]


def test_a_curve_goes_over_equal_steps_in_one_line() -> None:
    assert outline((1, 1, 4, 2), 4) == "M0 100V75H2V0H3V50H4V100Z"
    assert outline((), 0) == "M0 100V100Z"


def test_colours_change_no_character() -> None:
    text = 'def f(x):  # a < b & "c"\n    return """<b>\'""" + 12.5\n'
    made = highlight(text, PythonLexer())
    assert made.striptags().split() == text.split()
    assert '<span class="hk">def</span> <span class="hd">f</span>(x):' in made
    assert '<span class="hc"># a &lt; b &amp; &#34;c&#34;</span>' in made


def test_blank_lines_at_the_ends_stay() -> None:
    """Lexers would strip them."""
    made = highlight("\n\na: 1\n\n", YamlLexer(**AS_IS))
    assert made.startswith("\n\n")
    assert made.endswith("</span>: 1\n\n")


def test_a_caret_stands_under_its_place_in_a_long_line() -> None:
    line = "\t" + "x" * 150 + "here" + "y" * 100
    (made,) = warnings(
        [Diagnostic("F101", "m", Location("f.yaml", 3, 152, line), "label", severity="warning")]
    )
    assert len(made.line) == 100
    assert made.line[len(made.before) :].startswith("here")
    assert made.place == "f.yaml:3:152"


def test_a_warning_without_a_place_has_no_line() -> None:
    (made,) = warnings([Diagnostic("F201", "m", None)])
    assert (made.place, made.line, made.before) == ("", "", "")


def test_what_stands_between_backquotes_is_code() -> None:
    assert sentence("set `a: 1`, or `b`") == (
        ("set ", False),
        ("a: 1", True),
        (", or ", False),
        ("b", True),
    )
    assert sentence("an odd ` alone") == (("an odd ` alone", False),)


def test_wide_characters_move_the_caret() -> None:
    (made,) = warnings([Diagnostic("F101", "m", Location("f.yaml", 1, 3, "\u5c42\u5c42x"))])
    assert made.before == "    "
