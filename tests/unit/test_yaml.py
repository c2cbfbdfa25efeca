"""The YAML reader: YAML 1.2 scalars, positions, and bounds."""

from __future__ import annotations

import pytest

from rescompile.errors import SpecError
from rescompile.language.yaml import MAX_BYTES, MAX_DEPTH, read


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1_000", 1000),
        ("3.6e9", 3.6e9),
        ("1e-5", 1e-5),
        (".5", 0.5),
        ("true", True),
        ("yes", "yes"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ('"3"', "3"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("9" * 50, "9" * 50),
    ],
)
def test_scalar(scalar: str, value: object) -> None:
    found = read(f"x: {scalar}".encode(), "f").plain()["x"]
    assert found == value
    assert type(found) is type(value)


def test_positions() -> None:
    root = read(b"a: 1\nb:\n  - {c: 2}\n", "f.yaml")
    c = root.find(("b", 0, "c"))
    assert (c.at.line, c.at.column, c.at.text) == (3, 9, "  - {c: 2}")
    assert c.key_at is not None
    assert c.key_at.column == 6


def test_byte_order_mark_and_crlf() -> None:
    assert read("\ufeffa: 1\r\nb: é\r\n".encode(), "f").plain() == {"a": 1, "b": "é"}


def test_alias_stands_for_its_value() -> None:
    assert read(b"a: &x {k: [1]}\nb: *x\n", "f").plain() == {"a": {"k": [1]}, "b": {"k": [1]}}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E101"),
        (b"a: [", "E101"),
        (b"a: 1\na: 2", "E103"),
        (b"1: a", "E101"),
        (b"[a]: b", "E101"),
        (b"a: !!str b", "E101"),
        (b"a: *b", "E101"),
        (b"a: &a [*a]", "E101"),
        (b"a: {<<: {b: 1}}", "E101"),
        (b"a: 1\n---\nb: 2", "E101"),
        (b"a: \xff", "E101"),
        (b"a: \x00", "E101"),
        (b"[" * (MAX_DEPTH + 1), "E102"),
        (b"[" * 100_000, "E102"),
        (b"a: " + b"x" * MAX_BYTES, "E102"),
        (b"a: &a [" + b"1," * 300 + b"]\nb: &b [" + b"*a," * 300 + b"]", "E102"),
    ],
)
def test_refused(data: bytes, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(data, "f")
    assert [found.code for found in caught.value.diagnostics] == [code], str(caught.value)
