"""Which columns of a table have room, and how wide each of them is.

The order is stated by the table: words are cut first, as far as they may be; then one column after
the other gives way. Whatever the width, the first column remains, so that a line never overflows.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..prose import columns, visible

GAP = 2  # spaces between columns
DOTS = "..."


def fit(
    natural: Sequence[int], least: Sequence[int], leaving: Sequence[int], width: int
) -> dict[int, int]:
    """The columns that remain, by position, and their widths.

    `natural` are the widths that they would have, `least` those that they can be cut to; `leaving`
    are positions in the order of giving way.
    """
    kept, going = list(range(len(natural))), list(leaving)
    while going and _taken([least[i] for i in kept]) > width:
        kept.remove(going.pop(0))
    widths = {i: natural[i] for i in kept}
    for i in reversed(kept):
        over = _taken(list(widths.values())) - width
        widths[i] -= min(max(over, 0), natural[i] - least[i])
    return widths


def _taken(widths: Sequence[int]) -> int:
    """What a line of so wide columns takes."""
    return sum(widths) + GAP * (len(widths) - 1)


def cut(text: str, width: int, tail: bool = False) -> str:
    """A text in at most `width` columns; what its end, or start, has lost is shown as dots."""
    text = visible(text)
    if columns(text) <= width:
        return text
    dots = DOTS[:width]
    kept = ""
    for char in reversed(text) if tail else text:
        if columns(kept + char) > width - len(dots):
            break
        kept = char + kept if tail else kept + char
    return dots + kept if tail else kept + dots
