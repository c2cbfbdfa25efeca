"""Steps that are applied more than once with the same weights.

A function is made of the step, and an object of that, which is called each time. A target that runs
what it likes first is told what comes after what.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from ...expr.dims import Dim
from ...ir.nodes import Call as Called
from ...ir.nodes import Child, Reuse, gives_several
from ...ops import Shape
from ..code import several
from ..label import Label
from ..layout import Call
from ..lines import RETURN
from ..schedule import Scheduler
from ..scope import Scope
from ..statements import LANE, Apply, Assign, Several, reads
from .body import Body
from .syntax import Functions


class Sharing(Body):
    """A body with one scope, which is called `label`, where steps may be applied again."""

    def __init__(self, program: Functions, scope: Scope, label: Label, entry: str = LANE) -> None:
        super().__init__(program, scope)
        self.label = label
        self.begin = self.entry = entry  # what x is called until it gets its first value
        self.shared: frozenset[str] = frozenset()
        self.objects: dict[str, str] = {}  # by the names of steps
        self.before: dict[int, str] = {}  # what must be there before a statement, by its number
        self.kept: dict[int, str] = {}  # what a statement makes, under a name of its own
        self.leaving: dict[int, tuple[Shape, ...]] = {}  # of calls that give several values

    def read(self, variable: str) -> str:
        return self.entry if variable == "x" else variable

    def child(self, node: Child, target: str, source: str) -> None:
        """`target` = node(`source`)."""
        named = self.label.child(str(node.name))
        if node.when is True:
            self.apply(node, target, source, named)
            return
        self.copy(target, source)
        place = len(self.lines)
        with self.block(f"if {self.scope.dim(node.when)}:"):
            self.apply(node, target, target, named)
        self.combine_conditions(place)

    def plan(self, scheduler: Scheduler) -> None:
        """What the statements of the scope share, and the order that has to be told."""
        self.shared = scheduler.shared
        if self.syntax.ordered:
            return
        made = scheduler.statements
        waiting: dict[str, set[int]] = {}  # calls that the value of a variable waits for
        last: dict[int, int] = {}  # by step
        for i, statement in enumerate(made):
            value = statement.value
            waits = set[int]().union(*(waiting.get(name, ()) for name in reads(value)))
            if isinstance(value, (Apply, Several)) and self.updates(value.node):
                before = last.get(value.node.id)
                if before is not None and before not in waits:
                    self.before[i] = self.variable(before, made[before + 1 : i], made[before])
                    waits |= {before}
                last[value.node.id] = i
                waits |= {i}
            for name in statement.target.split(", "):
                waiting[name] = waits

    def updates(self, node: Child) -> bool:
        """Whether each call of a step that is shared updates statistics."""
        known = self.program.analysis.shared.get(node.id)
        return known is not None and known.updates

    def variable(self, i: int, later: list[Assign], made: Assign) -> str:
        """A variable that keeps what statement `i` makes."""
        own = _own(made)
        if all(own not in statement.target.split(", ") for statement in later):
            return own
        if i not in self.kept:
            step = cast("Apply | Several", made.value).step
            self.kept[i] = self.scope.fresh(f"{step.name}_done")
        return self.kept[i]

    def applies(self, i: int, made: Assign) -> bool:
        """Write statement `i`, if it applies a step that is shared."""
        value = made.value
        if not isinstance(value, (Apply, Several)) or value.node.name not in self.shared:
            return False
        source, target, own = self.read(value.source), made.target, _own(made)
        if i in self.before:
            label = self.label.child(str(value.step.name))
            self.write(self.syntax.after(source, self.before[i], label), own)
            source = own
        if value.again is not None:
            self.again(value.node, value.again, target, source)
        else:
            self.part_of(value.node, target, source)
        if i in self.kept:
            self.write(own, self.kept[i])
        return True

    def several(
        self, node: Called, step: Called | Reuse, target: str, sources: tuple[str, ...]
    ) -> None:
        """A block that takes values by their names, or gives several, where `step` stands."""
        called, given = self.program.called(self.scope, node)
        label = self.label.child(str(step.name))
        self.unpack(called.call(sources, given, label), target, self.notes(step))

    def notes(self, step: Called | Reuse) -> list[str]:
        """The shapes of what a call gives, one by one."""
        return [self.program.note(shape) for shape in self.leaving.get(step.id, ())]

    def part_of(self, node: Child, target: str, source: str) -> None:
        """A function of a step, of which an object is made, and the first call of that."""
        name = str(node.name)
        made = self.objects[name] = self.scope.fresh(f"{name}_model")
        label, tensor = self.label.child(name), self.syntax.tensor
        result = several(tensor, len(node.outputs)) if gives_several(node) else tensor
        self.apart()
        given = (self.extents(node, source), label.keyword())
        self.write(Call(f"@{self.syntax.part}", given))
        with self.block(f"def {made}(x: {tensor}) -> {result}:"), self.noting({}):
            self.apply(node, "x", "x", label)
            if self.lines[-1].target == "x" and self.lines[-1].indent == self.indent:
                self.lines[-1] = replace(self.lines[-1], target=RETURN)
            else:
                self.write("x", RETURN)
        self.apart()
        self.given(Call(made, (source,)), target, node)

    def given(self, made: Call, target: str, step: Child | Reuse) -> None:
        """What the call of an object gives, where `step` stands."""
        if gives_several(step):
            self.unpack(made, target, self.notes(step))
        else:
            self.write(made, target, self.note(step))

    def extents(self, node: Child, source: str) -> str:
        """What an object takes: extents are left open where they differ between calls."""
        known = self.program.analysis.shared[node.id]
        if not known.resized:
            return f"{source}.shape[1:]"
        axes = {len(trace.x) - 1 for trace in known.traces}
        if len(axes) > 1:  # vectors here, maps there
            return f"(*(None for _ in {source}.shape[1:-1]), {source}.shape[-1])"
        return f"({'None, ' * axes.pop()}{source}.shape[-1])"

    def again(self, node: Child, step: Reuse, target: str, source: str) -> None:
        """A step once more, or so many times in a row."""
        made = self.objects[str(node.name)]
        if step.once:
            self.given(Call(made, (source,)), target, step)
            return
        self.copy(target, source)
        with self.loop(self.scope, self.scope.dim(cast(Dim, step.repeat))):
            self.given(Call(made, (target,)), target, step)

    @contextmanager
    def noting(self, shapes: dict[int, tuple[int, ...]]) -> Iterator[None]:
        """Inside, comments tell these shapes: those of the first call are told there."""
        outer, self.shapes = self.shapes, shapes
        yield
        self.shapes = outer


def _own(made: Assign) -> str:
    """A variable that a statement gives a value."""
    return next(name for name in made.target.split(", ") if name != "_")
