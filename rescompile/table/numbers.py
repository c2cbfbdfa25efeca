"""Numbers as text, computed exactly: rounded halves up, as percentages, with decimal units."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

UNITS = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))


def rounded(value: Fraction, digits: int) -> Decimal:
    """`value`, which is not negative, with `digits` decimals, halves up; computed exactly."""
    scaled = (2 * value.numerator * 10**digits + value.denominator) // (2 * value.denominator)
    return Decimal((0, tuple(map(int, str(scaled))), -digits))


def percent(percentage: Fraction, digits: int) -> str:
    """A percentage with `digits` decimals: "18.56 %"."""
    return f"{rounded(percentage, digits)} %"


def unit_of(value: int) -> tuple[str, int]:
    """The largest unit of which `value` has at least one, rounded to three digits."""
    return next((u for u in UNITS if 2000 * value >= 1999 * u[1]), ("", 1))


def short(value: int) -> str:
    """Three significant digits and a decimal unit: "3.66 G", "854 k"."""
    unit, scale = unit_of(value)
    if scale == 1:
        return str(value)
    figure = Fraction(value, scale)
    return f"{rounded(figure, max(0, 3 - len(str(int(figure)))))} {unit}"
