"""`make_stage`: the function that makes the repetitions of one block as an nn.Sequential."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from rescompile.emit.layout import LINE_LENGTH, Call, Code, statement
from rescompile.emit.repetition import counted
from rescompile.expr.dims import Dim, Expr, Var, binary, names, substitute
from rescompile.ir.flow import expand
from rescompile.ir.structure import IN_CHANNELS, INDEX
from rescompile.ir.structure import Call as BlockCall

from .view import Argument, Definition, File, Scope, call_args, given_arguments, takes


class StageFunction:
    """The function for all calls of one block that are alike, by `stage_key`."""

    def __init__(self, file: File, node: BlockCall, name: str) -> None:
        self.file = file
        self.block = file.network.blocks[node.block]
        self.inner = file.block(node.block)
        self.children = node.children
        self.counted = set(counted(node))
        self.name = name
        self.scope = file.scope(self.block)
        self.count = Argument(self.scope.fresh("blocks", "repeat"), "int")
        self.label = Argument(self.scope.fresh("name"), "str")
        required = [a for a in self.inner.arguments if a.default is None]
        optional = [a for a in self.inner.arguments if a.default is not None]
        named = [self.label] if "{name}" in self.children else []
        self.arguments = (*required, self.count, *named, *optional)
        self.once = [
            p
            for p in self.block.parameters
            if p.once and p.default is not None and takes(self.inner, p.name)
        ]
        self.definition = Definition(name, self.arguments, tuple(self.lines()), kind="stage")
        file.functions |= self.scope.functions

    def call(self, scope: Scope, node: BlockCall) -> Code:
        starts = counted(node)
        args = tuple((name, starts.get(name, dim)) for name, dim in node.args)
        entering = scope.entering(node) if takes(self.inner, IN_CHANNELS) else ""
        given = given_arguments(self.file, scope, replace(node, args=args), entering)
        assert node.repeat is not None
        given[self.count.name] = scope.dim(node.repeat)
        given[self.label.name] = f'"{node.name}"'
        return Call(self.name, call_args(self.definition, given))

    def lines(self) -> Iterator[str]:
        """The body of the function."""
        output = expand(self.block.lets, self.file.analysis.flows[self.block.name][1])
        needs = takes(self.inner, IN_CHANNELS)
        channels = Var(IN_CHANNELS)
        varies = {IN_CHANNELS, *(p.name for p in self.once)} & names(output)
        if needs and varies and output != channels:
            yield from self.growing(output)
            return
        leaving = substitute(output, {name: _previous(name) for name in self.counted})
        with self.scope.variable(INDEX, "i") as counter:
            first = self.one(channels, first=True)
            rest = self.one(leaving if needs else channels, first=False)
            if self.children == "{i}":
                yield from self.sequence(first, rest, counter)
            else:
                yield from self.named(first, rest, counter)

    def one(self, channels: Dim, first: bool) -> Call:
        """One repetition, with `channels` that enter it."""
        given = {a.key: a.name for a in self.inner.arguments}
        if IN_CHANNELS in given:
            given[IN_CHANNELS] = self.scope.dim(channels)
        for param in () if first else self.once:
            given[param.name] = self.scope.dim(cast(Dim, param.default))
        for name in () if first else self.counted & given.keys():
            given[name] = self.scope.dim(binary("+", Var(name), Var(INDEX)))
        return Call(self.inner.name, call_args(self.inner, given))

    def sequence(self, first: Call, rest: Call, counter: str) -> Iterator[str]:
        """Numbered repetitions: generators that nn.Sequential takes."""
        count = self.count.name
        if first == rest:
            stage = self.scope.fresh("stage")
            yield from _generator(stage, first, f"_ in range({count})")
            yield statement(Call("nn.Sequential", (f"*{stage}",)), before="return ", indent=4)
            return
        one, others = self.scope.fresh("first"), self.scope.fresh("rest")
        yield statement(first, before=f"{one} = ", indent=4)
        turns = f"{counter} in range(1, {count})" if self.counted else f"_ in range({count} - 1)"
        yield from _generator(others, rest, turns)
        yield statement(Call("nn.Sequential", (one, f"*{others}")), before="return ", indent=4)

    def growing(self, output: Dim) -> Iterator[str]:
        """Not all blocks see the same channels: each sees more than the last, as in a DenseNet."""
        assert isinstance(output, Expr)
        stage, counter = self.scope.fresh("stage"), self.scope.fresh("i")
        turn = "_" if self.children == "{i}" else counter  # only names of children use it
        yield f"    {stage} = nn.Sequential()"
        yield f"    for {turn} in range({self.count.name}):"
        yield self.append(stage, self.one(Var(IN_CHANNELS), first=True), 8, counter)
        yield f"        {IN_CHANNELS} = {self.scope.dim(output)}"
        for param in self.once:
            name, default = (self.scope.dim(d) for d in (Var(param.name), cast(Dim, param.default)))
            yield f"        {name} = {default}"
        yield from (f"        {self.scope.dim(Var(name))} += 1" for name in sorted(self.counted))
        yield f"    return {stage}"

    def named(self, first: Call, rest: Call, counter: str) -> Iterator[str]:
        """Repetitions with names of their own."""
        stage = self.scope.fresh("stage")
        yield f"    {stage} = nn.Sequential()"
        if first != rest:
            yield self.append(stage, first, 4, counter, number="0")
            yield f"    for {counter} in range(1, {self.count.name}):"
        else:
            yield f"    for {counter} in range({self.count.name}):"
        yield self.append(stage, rest, 8, counter)
        yield f"    return {stage}"

    def append(self, stage: str, module: Code, indent: int, counter: str, number: str = "") -> str:
        if self.children == "{i}":
            return statement(Call(f"{stage}.append", (module,)), indent=indent)
        pattern = self.children.replace("{name}", f"{{{self.label.name}}}")
        name = child_name(pattern, counter, number)
        return statement(Call(f"{stage}.add_module", (name, module)), indent=indent)


def _previous(name: str) -> Dim:
    """What the repetition before this one got of a parameter that counts up."""
    return binary("-", binary("+", Var(name), Var(INDEX)), 1)


def child_name(pattern: str, counter: str, number: str = "") -> str:
    """The name of repetition `counter`, or of the one with a number, as a string of Python."""
    if number:
        pattern = pattern.replace("{i}", number).replace("{n}", str(int(number) + 1))
    prefix = "f" if "{" in pattern else ""
    pattern = pattern.replace("{i}", f"{{{counter}}}").replace("{n}", f"{{{counter} + 1}}")
    return f'{prefix}"{pattern}"'


def _generator(target: str, each: Call, turns: str) -> Iterator[str]:
    """`target` = a generator of modules, on one line where it fits."""
    whole = f"{statement(each)} for {turns}"
    if len(line := f"    {target} = ({whole})") <= LINE_LENGTH:
        yield line
        return
    yield f"    {target} = ("
    if len(line := f"        {whole}") <= LINE_LENGTH:
        yield line
    else:
        yield statement(each, indent=8)
        yield f"        for {turns}"
    yield "    )"
