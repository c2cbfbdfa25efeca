"""Tables that fit: which columns remain at which width, and what is said of the others."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rescompile.errors import SpecError
from rescompile.prose import columns
from rescompile.table import USUAL, Column, Table, View
from rescompile.table.fit import cut

COLUMNS = (
    Column("name", "name", words=True, least=8, tail=True),
    Column("what", "what it is", words=True, least=10),
    Column("macs", "MACs", "{:,}".format),
    Column("share", "%", lambda share: f"{float(share):.2f}"),
    Column("more", "more", usual=False),
)
ROWS = (
    {"name": "layer1.0.conv1", "what": "a convolution", "macs": 1_234_567, "share": Fraction(2, 3)},
    {"name": "漢字", "what": "-", "macs": 8, "share": Fraction(1), "more": "yes"},
)
TABLE = Table(COLUMNS, ROWS, ("share", "what", "more", "macs"), ({"name": "total", "macs": 9},))
texts = st.text(st.sampled_from("abc漢e\u0301 -."), max_size=30)


def lines(width: int, **more: bool) -> list[str]:
    return TABLE.text(View(width, **more))


def test_all_that_there_is_room_for_is_aligned() -> None:
    assert TABLE.text(USUAL) == [
        "name            what it is          MACs     %",
        "--------------  -------------  ---------  ----",
        "layer1.0.conv1  a convolution  1,234,567  0.67",
        "漢字            -                      8  1.00",
        "total                                  9",
    ]


def test_words_are_cut_before_a_column_gives_way() -> None:
    assert lines(43)[2] == "layer1.0.conv1  a convo...  1,234,567  0.67"
    assert lines(39)[2] == "...0.conv1  a convo...  1,234,567  0.67"
    assert "no room" not in "".join(lines(37))


def test_columns_give_way_in_the_order_that_is_stated() -> None:
    assert lines(36)[2] == "...r1.0.conv1  a convo...  1,234,567"
    assert lines(36)[5:] == ["no room for %: see --wide and", "  --columns"]
    assert lines(28)[2] == "layer1.0.conv1  1,234,567"
    assert lines(28)[5:] == ["no room for what it is, %:", "  see --wide and --columns"]


def test_what_names_the_rows_always_remains() -> None:
    assert lines(12)[2] == "...1.0.conv1"


def test_all_columns_however_wide() -> None:
    head = "name            what it is          MACs     %  more"
    assert lines(20, wide=True)[0] == TABLE.text(View(wide=True))[0] == head


def test_columns_that_are_chosen_do_not_give_way() -> None:
    shown = TABLE.text(View(8, ("MACs", "share", "Name")))
    assert shown[0] == "     MACs     %  name"
    assert shown[2] == "1,234,567  0.67  ...conv1"
    assert "no room" not in "".join(shown)
    assert len(TABLE.text(View(columns=("macs",)))) == 4  # a total that nothing names is not there


def test_an_unknown_column_is_named_with_its_nearest() -> None:
    with pytest.raises(SpecError, match="there is no column 'mac' in this table") as caught:
        TABLE.csv(View(columns=("mac",)))
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("E005", "did you mean 'macs'?")


def test_a_head_of_two_columns_is_no_name() -> None:
    twice = Table((Column("a_more", "more"), Column("b_more", "more")), (), ())
    with pytest.raises(SpecError, match="several columns are called 'more'") as caught:
        twice.markdown(View(columns=("more",)))
    assert caught.value.diagnostics[0].help == "say a_more or b_more"


def test_other_formats() -> None:
    assert TABLE.markdown(View(columns=("macs", "what"))) == [
        "| MACs | what it is |",
        "| ---: | --- |",
        "| 1,234,567 | a convolution |",
        "| 8 | - |",
    ]
    rows = list(csv.DictReader(io.StringIO(TABLE.csv(USUAL))))
    assert rows[0] == {
        "name": "layer1.0.conv1",
        "what": "a convolution",
        "macs": "1234567",
        "share": "0.6667",
        "more": "",
    }


def test_styles_do_not_change_what_is_aligned() -> None:
    marked = TABLE.text(View(40, style=lambda text, role: f"<{role}>{text}</>"))
    plain = [line.replace("</>", "") for line in marked]
    for role in ("head", "rule", "total"):
        plain = [line.replace(f"<{role}>", "") for line in plain]
    assert plain == lines(40)
    assert marked[0].startswith("<head>")
    assert marked[4].startswith("<total>")


@given(texts, st.integers(1, 12), st.booleans())
def test_a_cut_is_no_wider_than_it_may_be(text: str, width: int, tail: bool) -> None:
    shown = cut(text, width, tail)
    assert columns(shown) <= width
    if columns(text) <= width:
        assert shown == text
    elif width > 3:
        assert "..." in shown
        kept = shown.replace("...", "", 1) if tail else shown[:-3]
        assert text.endswith(kept) if tail else text.startswith(kept)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    kinds = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=6))
    keys = [f"c{i}" for i in range(len(kinds))]
    made = tuple(
        Column(key, draw(texts) or key, words=words or not i, least=least)
        for i, (key, (words, least)) in enumerate(zip(keys, kinds, strict=True))
    )
    values = st.fixed_dictionaries(
        {c.key: texts if c.words else st.integers(0, 10**12) for c in made}
    )
    rows = draw(st.lists(values, max_size=4))
    return Table(made, tuple(rows), tuple(draw(st.permutations(keys[1:]))))


@given(tables(), st.integers(20, 120))
def test_any_table_fits_and_tells_what_it_leaves_out(table: Table, width: int) -> None:
    shown = table.text(View(width))
    assert max(map(columns, shown)) <= width
    body = len(table.rows) + 2
    left = [c for c in table.columns if not c.words]
    if len(shown) == body:  # nothing was left out, and no figure was cut
        for row, line in zip(table.rows, shown[2:], strict=True):
            assert all(str(row[c.key]) in line for c in left)
    else:
        assert " ".join(shown[body:]).startswith("no room for")
