"""Why a spec cannot be elaborated, told where it stands: the chain of calls, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Diagnostic, Location, SpecError
from ..expr.dims import Dim, ExprError, Number, evaluate
from ..ops import Shape, ShapeError, show_shape
from .nodes import Branch, From, Residual
from .trace import Env

MAX_REPEAT = 10_000


class CallStack:
    """The stage and the block calls that are being elaborated, outermost first."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, Location | None]] = []

    @contextmanager
    def within(self, text: str, at: Location | None = None) -> Iterator[None]:
        """Inside, errors tell that they arose `text`, such as "in stage 'layer1'"."""
        self.frames.append((text, at))
        try:
            yield
        finally:
            self.frames.pop()

    def mismatch(
        self,
        at: Location | None,
        verb: str,
        branches: tuple[Branch, ...],
        shapes: list[Shape],
        what: str,
    ) -> SpecError:
        listed = ", ".join(
            f"{_called(branch) or f'branch {i + 1}'}: {show_shape(shape)}"
            for i, (branch, shape) in enumerate(zip(branches, shapes, strict=True))
        )
        message = f"{self.place()}{verb} branches of different shape"
        error = ShapeError(message, listed, f"give every branch the same {what}")
        return self.error(error, at, code="E203")

    def carries(self, node: Residual, y: Shape, carried: Shape) -> SpecError:
        if y[0] != carried[0]:
            message = f"{self.place()}adds {y[0]} and {carried[0]} channels"
            label = f"the {node.kind} shortcut carries {carried[0]} channels"
        else:
            message = f"{self.place()}adds {show_shape(y)} and {show_shape(carried)}"
            label = f"the {node.kind} shortcut carries {show_shape(carried)}"
        help = "set `shortcut: projection`, or make the branch keep the shape"
        if node.kind != "identity":
            help = "the branch must shrink the map by its strides alone: check its padding"
        calls = [at for _, at in self.frames if at]
        library = calls and node.at and calls[0].file != node.at.file  # blame the user's own file
        at = calls[0] if library else node.at
        return self.error(ShapeError(message, label, help), at, code="E203")

    def place(self) -> str:
        stage = next((f for f, _ in self.frames if f.startswith("in stage")), "")
        return stage.removeprefix("in ") + " " if stage else ""

    def count(self, dim: Dim, env: Env, at: Location | None, what: str) -> int:
        value = self.value(dim, env, at, what)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_REPEAT:
            message = f"{what} is {value}; it must be a whole number from 0 to {MAX_REPEAT}"
            help = "use // instead of /, or int(...)" if isinstance(value, float) else ""
            help = help or f"write {0 if value < 0 else MAX_REPEAT}, or check the expression"
            raise self.error(ExprError(message, help), at)
        return value

    def value(self, dim: Dim, env: Env, at: Location | None, what: str) -> Number:
        try:
            return evaluate(dim, env)
        except ExprError as error:
            raise self.error(ExprError(f"{what}: {error}", error.help), at) from None

    def error(
        self, error: ShapeError | ExprError, at: Location | None, code: str | None = None
    ) -> SpecError:
        label = error.label if isinstance(error, ShapeError) else ""
        code = code or ("E201" if isinstance(error, ShapeError) else "E204")
        notes = tuple(
            f"{text} ({call.file}:{call.line})" if call else text
            for text, call in reversed(self.frames)
        )
        return SpecError([Diagnostic(code, str(error), at, label, error.help, notes)])


def _called(branch: Branch) -> str | None:
    """A branch's own name, or that of the earlier value that it is."""
    alone = branch.body[0] if len(branch.body) == 1 else None
    return alone.source if branch.name is None and isinstance(alone, From) else branch.name
