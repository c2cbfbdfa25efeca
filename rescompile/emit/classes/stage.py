"""The function that makes the repetitions of one block as a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...expr.dims import Dim, Var, binary, names, substitute
from ...ir.flow import expand
from ...ir.nodes import is_several
from ...ir.structure import IN_CHANNELS, INDEX, channel_names
from ..label import Label
from ..layout import Call, statement
from ..lines import RETURN, Line, Writer
from ..program import ENTERING, Stage
from ..scope import COUNTERS
from .syntax import Class, Classes, Syntax


def define_stage(program: Classes, stage: Stage[Class]) -> Class:
    """The function of all calls of one block that are alike."""
    flow, output = program.analysis.flows[stage.block.name]
    output = expand(stage.block.lets, output)
    lines = Lines(program.syntax, stage)
    if is_several(stage.node):
        called = channel_names(stage.block.entering).values()
        given = (flow.named[name] for name in stage.block.outputs.values())
        leaving = {n: expand(stage.block.lets, dim) for n, dim in zip(called, given, strict=False)}
        leaving = {n: dim for n, dim in leaving.items() if stage.inner.takes(n)}
        changes = any(dim != Var(name) for name, dim in leaving.items())
        lines.growing(leaving) if changes else lines.alike(ENTERING)
        return _made(program, stage, lines)
    varies = {IN_CHANNELS, *stage.once} & names(output)
    if stage.inner.takes(IN_CHANNELS) and varies and output != ENTERING:
        lines.growing({IN_CHANNELS: output})
    else:
        lines.alike(substitute(output, {name: _previous(name) for name in stage.counted}))
    return _made(program, stage, lines)


def _made(program: Classes, stage: Stage[Class], lines: Lines) -> Class:
    body, returns = tuple(map(str, lines.lines)), program.syntax.sequence
    return Class(stage.name, stage.arguments, body, syntax=program.syntax, returns=returns)


class Lines(Writer):
    """The body of the function."""

    def __init__(self, syntax: Syntax, stage: Stage[Class]) -> None:
        super().__init__()
        self.syntax, self.stage, self.scope = syntax, stage, stage.scope
        self.numbered = stage.node.children == "{i}" or not syntax.named

    def one(self, channels: Dim, first: bool) -> Call:
        """A repetition, which `channels` enter."""
        return self.stage.inner.call(self.stage.turn(first, channels))

    def growing(self, leaving: Mapping[str, Dim]) -> None:
        """Not all blocks see the same channels: each sees more than the last, as in a DenseNet."""
        every, dim = self.one(ENTERING, first=True), self.scope.dim
        updates = [(", ".join(leaving), ", ".join(map(dim, leaving.values())))]
        updates += [(dim(Var(name)), dim(value)) for name, value in self.stage.once.items()]
        updates += [("", f"{dim(Var(name))} += 1") for name in sorted(self.stage.counted)]
        self.looped(every, every, updates)

    def alike(self, leaving: Dim) -> None:
        """The first block sees what enters, the others what leaves the block before them."""
        with self.scope.bound(INDEX, *COUNTERS) as counter:
            first, rest = self.one(ENTERING, first=True), self.one(leaving, first=False)
        if self.numbered:
            self.generated(first, rest, counter)
        else:
            self.looped(first, rest)

    def looped(self, first: Call, rest: Call, updates: Iterable[tuple[str, str]] = ()) -> None:
        """Repetitions that are appended one by one."""
        members, count = self.scope.fresh("stage"), self.stage.count.name
        self.write(f"{self.syntax.sequence}()", members)
        if first != rest:
            self.append(members, first, 0)
        with self.loop(self.scope, count if first == rest else f"1, {count}"):
            self.append(members, rest, Var(INDEX))
            for target, code in updates:
                self.write(code, target)
        self.write(members, RETURN)

    def append(self, target: str, module: Call, i: Dim) -> None:
        named = f"{{{self.stage.label.name}}}"
        label = "" if self.numbered else Label().turn(self.stage.node, i, self.scope, named).code()
        self.write(self.syntax.append(self.syntax.members(target), module, label))

    def generated(self, first: Call, rest: Call, counter: str) -> None:
        """Numbered repetitions: generators that a sequence takes."""
        count, alone = self.stage.count.name, [] if first == rest else [self.scope.fresh("first")]
        stage = self.scope.fresh("rest" if alone else "stage")
        turns = f"_ in range({count})"
        if alone:
            self.write(first, alone[0])
            counts = self.stage.counted
            turns = f"{counter} in range(1, {count})" if counts else f"_ in range({count} - 1)"
        self.generator(stage, rest, turns)
        self.write(Call(self.syntax.sequence, (*alone, f"*{stage}")), RETURN)

    def generator(self, target: str, each: Call, turns: str) -> None:
        """A generator of modules, on one line where it fits."""
        whole = f"{statement(each)} for {turns}"
        if Line(f"({whole})", target, self.indent).fits:
            self.write(f"({whole})", target)
            return
        with self.block(f"{target} = ("):
            if Line(whole, "", self.indent).fits:
                self.write(whole)
            else:
                self.write(statement(each, indent=self.indent).lstrip())
                self.write(f"for {turns}")
        self.write(")")


def _previous(name: str) -> Dim:
    """What the repetition before this one got of a parameter that counts up."""
    return binary("-", binary("+", Var(name), Var(INDEX)), 1)
