"""Blocks, and calls of them that differ in what they give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .declarations import OPERATIONS
from .operations import KEY, Operations
from .values import Block, Parameter, Scope, Step

MOST_BLOCKS = 4
CHILDREN = ("unit{n}", "{name}-{i}", "layer{i}", "x_{n}", "{i}", "a{i}b", "block{n}", "{name}.{i}")


class Calls(Operations):
    """Draws calls; keeps the blocks, whose steps `Steps` draws."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.blocks: dict[str, Block] = {}
        self.given: dict[str, Step] = {}  # the last arguments of each block

    def steps(self, scope: Scope, least: int, most: int, depth: int) -> list[Step]:
        raise NotImplementedError

    def residual(self, scope: Scope, depth: int) -> list[Step]:
        raise NotImplementedError

    def join(self, scope: Scope, depth: int) -> list[Step]:
        raise NotImplementedError

    def repeat(self, scope: Scope) -> Any:
        return self.value(KEY["repeat"], scope, absent=0)

    def call(self, scope: Scope, depth: int) -> list[Step]:
        block = self.block_for(scope, depth)
        step: Step = {"block": block.name}
        once = any(one.once for one in block.parameters.values())
        repeats = block.form != "inline" and self.chance(0.7 if once else 0.35)
        if repeats:
            step["repeat"] = self.repeat(scope)
        if block.form != "inline" and (self.chance(0.6) or (repeats and not scope.numbered)):
            step["name"] = self.step_name(scope.numbered)
            if scope.kind == "network":
                scope.marks.append(step["name"])
        if repeats and "name" in step and self.chance(0.4):
            step["children"] = self.pick(CHILDREN)
        inner = replace(scope, index=scope.index or repeats)
        step = {**self.arguments(block, inner), **step}  # a parameter may be called as a key is
        if self.chance(0.1):
            step["when"] = self.when(scope)
        scope.width = None if "when" in step or repeats else self.leaving(block, step, scope)
        return [step]

    def themed(self, scope: Scope) -> list[Step]:
        """Calls of a block that has the network's theme in it."""
        inner = Block(self.name(), "body", 1 if self.form == "nested" else 0)
        within = replace(_in(inner), keep=True)
        self.forced = True
        inner.steps = self.theme_itself(within)
        self.forced = False
        block = inner
        self.blocks[inner.name] = inner
        if self.form == "nested":
            block = Block(self.name(), "body", 0)
            self.blocks[block.name] = block
            passed = {
                one.name: self.symbol(one.type, one.topic, one.values, _in(block), "parameter")
                for one in inner.parameters.values()
            }
            block.steps = [{**passed, "block": inner.name}]
        inner.done = block.done = True
        scope.width = None
        return [self.themed_call(block, number) for number in range(2)]

    def theme_itself(self, scope: Scope) -> list[Step]:
        if self.theme.owner == "branch":
            return self.join(scope, 1)
        if self.theme.owner not in OPERATIONS:
            return self.residual(scope, 1)
        if self.theme.owner == "linear":
            return [{"positions": self.operation(scope, word="linear")}]
        return self.operation(scope, word=self.theme.owner)

    def themed_call(self, block: Block, number: int) -> Step:
        """One of two calls, which differ as the theme has it."""
        given = {one.name: self.turn(one, number) for one in block.parameters.values()}
        step: Step = {**given, "block": block.name}
        if self.form == "defaulted" and number:
            for one in block.parameters.values():
                if one.default is not None:
                    del step[one.name]
        if self.form == "once":
            step |= {"name": self.name(), "repeat": 2}
        return step

    def turn(self, one: Parameter, number: int) -> Any:
        return one.values[number % len(one.values)]

    def several(self, scope: Scope) -> list[Step]:
        """A block that takes two values and gives two, called with some that have names."""
        if self.other.random() < 0.4:
            return self.lanes(scope)
        block = Block(self.name(), "body", 0, inputs=["left", "right"])
        inner = replace(_in(block), keep=True)
        width = self.pick([2, 4])
        for side in block.inputs:
            lane = [{"from": side}, {"conv": {"channels": width, "kernel": self.pick([1, 3])}}]
            inner.width, inner.marks = width, []
            block.steps += [*lane, *self.steps(inner, 0, 2, 0)]
            end = {"conv": {"channels": width, "kernel": 1}, "name": f"{side}_made"}
            block.steps.append(end)
        pool = {"global_avg_pool": {"keepdims": True}}
        gated = self.chance(0.5)
        if gated:
            gate = [{"from": "left_made"}, pool]
            block.steps.append({"multiply": [[], gate], "name": "gated"})
        last = block.steps[-1]["name"]
        block.outputs = [self.pick(["left_made", "right"]) if gated else "left_made", last]
        self.random.shuffle(block.outputs)
        block.done, self.blocks[block.name] = True, block
        call = {"name": self.name(), "block": block.name}
        first = {"conv": {"channels": self.pick([3, 4]), "kernel": 3}, "name": self.name()}
        second = {"conv": {"channels": 2, "kernel": 3}, "name": self.name()}
        call["from"] = [first["name"], second["name"]]
        call |= {"repeat": self.pick([1, 2, 3])} if self.chance(0.6) else {}
        taken = f"{call['name']}.{last}"
        scope.width = None
        scope.marks += [taken]
        gate = [{"from": f"{call['name']}.left_made"}, pool]
        after = [] if gated else [{"multiply": [[], gate]}]
        return [first, second, call, {"from": taken}, *after]

    def pair(self, scope: Scope) -> list[Step]:
        """A block that gives two values, and the same again of another map."""
        block = Block(self.name(), "body", 0)
        inner, width = replace(_in(block), keep=True), self.pick([2, 4])
        block.steps = [{"conv": {"channels": width, "kernel": 3}, "name": "trunk"}]
        for side in ("left", "right"):
            inner.width, inner.marks = width, []
            block.steps += [{"from": "trunk"}, *self.steps(inner, 0, 2, 0)]
            block.steps.append({"conv": {"channels": width, "kernel": 1}, "name": side})
        block.outputs = {"one": "left", "other": "right"}
        block.done, self.blocks[block.name] = True, block
        maps = [{"conv": {"channels": 4, "kernel": 3}, "name": self.name()} for _ in range(2)]
        call = {"name": self.name(), "block": block.name}
        again = {"name": self.name(), "reuse": call["name"]}
        pool = {"global_avg_pool": {"keepdims": True}}
        taken = [f"{one['name']}.{key}" for one in (call, again) for key in block.outputs]
        self.random.shuffle(taken)
        gates = [[{"from": name}, pool] for name in taken[1:]]
        scope.width = None
        scope.marks += taken
        steps = [*maps, {"from": maps[0]["name"]}, call, {"from": maps[1]["name"]}, again]
        return [*steps, {"from": taken[0]}, {"multiply": [[], *gates]}]

    def lanes(self, scope: Scope) -> list[Step]:
        """A block of as many values as a call says, each of which takes in all others, twice."""
        choose, count = self.other.choice, self.other.choice([2, 3])
        conv = {"channels": choose([2, "$width"]), "kernel": choose([1, 3])}
        into = [{"from": "x{i}"}, {"name": choose(["into.{i}", "into{n}"]), "conv": conv}]
        source = into[1]["name"].replace("{i}", "{$source}").replace("{n}", "{$source + 1}")
        other = {"name": "mix.{$lane}.{$source}", "when": "$source != $lane"}
        other |= {"conv": {"channels": conv["channels"], "kernel": 1}}
        both = {"repeat": "$count", "index": "source", "branch": [{"from": source}, other]}
        given = [{"add": both}, {"activation": {}, "name": "y{i}"}]
        block = Block(self.name(), "body", 0)
        block.steps = [{"repeat": "$count", "steps": into}]
        block.steps += [{"repeat": "$count", "index": "lane", "steps": given}]
        block.inputs, block.outputs = ([{"name": f"{x}{{i}}", "repeat": "$count"}] for x in "xy")
        values = {"count": [count], "width": [2, 3]} if "width" in str(conv) else {"count": [count]}
        block.parameters = {n: Parameter(n, "int", "", v) for n, v in values.items()}
        block.done, self.blocks[block.name] = True, block
        names = [f"lane{i}_{len(self.used)}" for i in range(count)]
        starts = [{"conv": {"channels": 2, "kernel": 3}, "name": name} for name in names]
        args = {"count": count} | ({"width": 3} if "width" in values else {})
        call = {"name": self.name(), "block": block.name, "from": names, **args}
        call |= {"repeat": 2} if self.other.random() < 0.5 else {}
        turns = {"name": "again_{n}", "block": block.name, **args}  # takes what flows on
        more = [{"repeat": 2, "steps": [turns]}] if self.other.random() < 0.5 else []
        last = "again_2" if more else call["name"]
        scope.width = None
        after = [[{"from": f"{last}.y{i}"}] for i in range(1, count)]
        return [*starts, call, *more, {"from": f"{last}.y0"}, {"concat": [[], *after]}]

    def leaving(self, block: Block, step: Step, scope: Scope) -> Any:
        """The channels that leave a call, where they are as plain as what the call gives."""
        width = block.width
        if width == "$in_channels":
            return scope.width
        if isinstance(width, str):
            one = block.parameters.get(width[1:])
            return step.get(one.name, one.default) if one is not None else None
        return width

    def block_for(self, scope: Scope, depth: int) -> Block:
        """A block that can be called here, old or new."""
        level = scope.block.depth + 1 if scope.block is not None else 0
        forms = ["body", "body", "sequence"]
        forms += ["inline"] * 2 if scope.numbered else ["inline"] * self.chance(0.3)
        fit = [
            block
            for block in self.blocks.values()
            if block.done and block.form in forms and block.depth >= level and not block.inputs
        ]
        again = 0.85 if self.form == "varied" else 0.65
        if fit and (len(self.blocks) >= MOST_BLOCKS or self.chance(again)):
            return self.pick(fit)
        if len(self.blocks) > 2 * MOST_BLOCKS and fit:
            return self.pick(fit)
        block = Block(self.name(), self.pick(forms), level)
        self.blocks[block.name] = block
        inner = Scope(block.form, block, "$in_channels", block.form != "body")
        inner.keep, inner.vector = scope.keep or self.chance(0.4), scope.vector
        inner.marks = ["input"] * (block.form == "body" and self.chance(0.2))
        block.steps = self.steps(inner, 1, 4, min(depth - 1, 2 - level))
        block.width, block.done = inner.width, True
        return block

    def arguments(self, block: Block, scope: Scope) -> Step:
        """What a call gives: often what another gave, but for a little."""
        last, made = self.given.get(block.name, {}), {}
        for one in block.parameters.values():
            if one.default is not None and self.chance(0.4):
                continue
            varies = self.form == "varied" and one.topic == self.theme.key
            if scope.block is None and one.name in last and not varies and self.chance(0.6):
                made[one.name] = last[one.name]
            else:
                made[one.name] = self.argument(one, scope)
        if scope.block is None:
            self.given[block.name] = {k: v for k, v in made.items() if "$" not in str(v)} | last
        return made

    def argument(self, one: Any, scope: Scope) -> Any:
        value = self.pick(one.values)
        nested = 0.9 if self.form == "nested" else 0.5
        if self.chance(nested if scope.block is not None else 0.08):
            form = "parameter" if self.form == "nested" else ""
            return self.symbol(one.type, one.topic, one.values, scope, form)
        if scope.index and one.type == "int" and self.chance(0.12):
            numbers = ["$index", "$block_index"] if scope.kind == "network" else ["$index"]
            return f"{value} + {self.pick(numbers)}"
        return value


def _in(block: Block) -> Scope:
    """The scope of a block's body."""
    return Scope("body", block, "$in_channels", False)
