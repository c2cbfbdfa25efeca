"""What is to be drawn, before it has a place: steps in order, ways that part and meet."""

from __future__ import annotations

from ..record import record
from .scene import Text


@record
class Step:
    """A box. `names` are the steps of the spec that it stands for, the last one first.

    `facts` are told beside it (output, parameters, multiply-adds); `size` is the extent of its
    output where that is known, by which it is coloured and aligned.
    """

    lines: tuple[Text, ...]
    kind: str = "step"
    id: str = ""
    tip: str = ""
    names: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    size: tuple[int, ...] | None = None


@record
class Parallel:
    """Ways from one value to one box, each a list of elements; an empty one is the identity.

    `split` tells that each gets its share of the channels.
    """

    ways: tuple[tuple[Element, ...], ...]
    joint: Step
    split: bool = False


@record
class Shortcut:
    """A branch, and the value that it is added to: as it is, or through `way`.

    Without `joint` the sum has no box of its own. `kind` is "identity" or "projection", `notes`
    are written beside the line.
    """

    branch: tuple[Element, ...]
    kind: str = "identity"
    way: tuple[Element, ...] = ()
    before: tuple[Element, ...] = ()  # what both start from
    joint: Step | None = None
    notes: tuple[str, ...] = ()
    id: str = ""
    tip: str = ""
    names: tuple[str, ...] = ()


@record
class Framed:
    """Elements with a line of text above them: what is repeated, or done under a condition."""

    caption: str
    body: tuple[Element, ...]
    id: str = ""


@record
class Goto:
    """An earlier value instead of what comes in, and the step that it left."""

    name: str
    step: str


Element = Step | Parallel | Shortcut | Framed | Goto
