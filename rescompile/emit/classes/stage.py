"""The function that makes the repetitions of one block as a sequence."""

from __future__ import annotations

from ...expr.dims import Dim, Var, binary, names, substitute
from ...ir.flow import expand
from ...ir.structure import IN_CHANNELS, INDEX
from ..label import Label
from ..layout import Call, statement
from ..lines import RETURN, Line, Writer
from ..program import ENTERING, Stage
from ..scope import COUNTERS
from .syntax import Class, Classes


def define_stage(program: Classes, stage: Stage[Class]) -> Class:
    """The function of all calls of one block that are alike."""
    syntax, flow = program.syntax, program.analysis.flows[stage.block.name]
    output = expand(stage.block.lets, flow[1])
    lines = Lines(program, stage)
    varies = {IN_CHANNELS, *stage.once} & names(output)
    if stage.inner.takes(IN_CHANNELS) and varies and output != ENTERING:
        lines.growing(output)
    else:
        previous = {name: _previous(name) for name in stage.counted}
        lines.alike(substitute(output, previous))
    return Class(
        stage.name,
        stage.arguments,
        tuple(map(str, lines.lines)),
        returns=syntax.sequence,
        declared=syntax.declared,
        passed=syntax.passed,
    )


class Lines(Writer):
    """The body of the function."""

    def __init__(self, program: Classes, stage: Stage[Class]) -> None:
        super().__init__()
        self.syntax, self.stage, self.scope = program.syntax, stage, stage.scope
        self.numbered = stage.node.children == "{i}"

    def one(self, channels: Dim, first: bool) -> Call:
        """A repetition, which `channels` enter."""
        return self.stage.inner.call(self.stage.turn(first, channels))

    def growing(self, output: Dim) -> None:
        """Not all blocks see the same channels: each sees more than the last, as in a DenseNet."""
        members = self.scope.fresh("stage")
        self.write(f"{self.syntax.sequence}()", members)
        with self.loop(self.scope, self.stage.count.name):
            self.append(members, self.one(ENTERING, first=True), Var(INDEX))
            self.write(self.scope.dim(output), IN_CHANNELS)
            for name, default in self.stage.once.items():
                self.write(self.scope.dim(default), self.scope.dim(Var(name)))
            for name in sorted(self.stage.counted):
                self.write(f"{self.scope.dim(Var(name))} += 1")
        self.write(members, RETURN)

    def alike(self, leaving: Dim) -> None:
        """The first block sees what enters, the others what leaves the block before them."""
        with self.scope.bound(INDEX, *COUNTERS) as counter:
            first, rest = self.one(ENTERING, first=True), self.one(leaving, first=False)
        if self.numbered:
            self.generated(first, rest, counter)
            return
        members, count = self.scope.fresh("stage"), self.stage.count.name
        self.write(f"{self.syntax.sequence}()", members)
        if first != rest:
            self.append(members, first, 0)
        with self.loop(self.scope, count if first == rest else f"1, {count}"):
            self.append(members, rest, Var(INDEX))
        self.write(members, RETURN)

    def append(self, target: str, module: Call, i: Dim) -> None:
        named = f"{{{self.stage.label.name}}}"
        label = "" if self.numbered else Label().turn(self.stage.node, i, self.scope, named).code()
        self.write(self.syntax.append(target, module, label))

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
