"""Steps that hold steps, and whole lists of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from .calls import CHILDREN, Calls
from .declarations import BRANCH, FORMS_OF_CALLS, KINDS_OF_SHORTCUT, OPERATIONS, RESIDUAL, SHORTCUT
from .operations import GLOBAL, SHAPERS, SHAPING, UNSHAPING
from .values import Made, Scope, Step

POSITIONAL = ("linear", "norm", "activation", "dropout")


class Steps(Calls):
    """Draws steps of every kind."""

    def steps(self, scope: Scope, least: int, most: int, depth: int) -> list[Step]:
        made: list[Step] = []
        for _ in range(self.random.randint(least, most)):
            made.extend(self.step(scope, depth))
        return made

    def step(self, scope: Scope, depth: int) -> list[Step]:
        """A step, and what was put before it to make it fit."""
        kinds = [self.operation] * 12
        if depth > 0:
            outer = self.form == "nested" and scope.block is not None and scope.block.depth == 0
            kinds += [self.call] * (30 if outer else 4 if self.form in FORMS_OF_CALLS else 0)
            kinds += [self.residual] * 25 if self.theme in (*RESIDUAL, *SHORTCUT) else []
            kinds += [self.group, self.group, self.join, self.join, self.join]
            kinds += [self.residual] * 3 + [self.call] * 4 + [self.run] * 2
        if scope.numbered and depth > 0:
            kinds += [self.loop, self.loop]
        if not scope.vector:
            kinds += [self.positions]
        if scope.kind not in ("inline", "steps", "positions"):
            kinds += [self.either]
        if scope.marks:
            kinds += [self.earlier, self.earlier]
        if depth > 0 and scope.kind != self.place:
            kinds += [self.placed(scope)] * 8
        entering, vector = scope.width, scope.vector
        made: list[Step] = self.pick(kinds)(scope, depth)
        if not scope.numbered and scope.kind not in ("inline", "steps", "positions"):
            if len(made) == 1 and vector == scope.vector:
                self.remember(made[0], entering, scope)
            made += self.again(scope)
        return made

    def remember(self, step: Step, entering: Any, scope: Scope) -> None:
        """Note a step that may be applied again; it gets a name for that, if it has none."""
        may = step.keys() & {*OPERATIONS, "block", "group"} and not step.keys() & {"when", "split"}
        if not may or entering is None or (step.get("block") in self.inlines):
            return
        if "name" not in step and self.other.random() < 0.5:
            step["name"] = f"first{len(self.used)}"
        if "name" in step:
            made = Made(step["name"], entering, scope.width, scope.keep, scope.vector)
            scope.made.append(made)

    def again(self, scope: Scope) -> list[Step]:
        """Seldom an earlier step again, between steps that lead to its channels and back."""
        fit = [one for one in scope.made if one.vector == scope.vector]
        fit = [one for one in fit if one.keeps or not scope.keep]
        if not fit or self.other.random() > 0.15:
            return []
        one = self.other.choice(fit)
        step: Step = {"reuse": one.name}
        if self.other.random() < 0.5:
            step["name"] = f"again{len(self.used)}_{len(scope.made)}"
        if one.leaving == one.entering and self.other.random() < 0.3:
            step["repeat"] = self.other.choice([1, 2, 3])
        word, key = ("linear", "features") if scope.vector else ("conv", "channels")
        size = {} if scope.vector else {"kernel": 1}
        before = [] if scope.width == one.entering else [{word: {key: one.entering, **size}}]
        after = [{word: {key: scope.width, **size}}]
        after = after if scope.width not in (None, one.leaving) else []
        return [*before, step, *after]

    @property
    def inlines(self) -> set[str]:
        return {block.name for block in self.blocks.values() if block.form == "inline"}

    # Steps that hold steps.

    def group(self, scope: Scope, depth: int) -> list[Step]:
        inner = replace(scope, kind="group", numbered=True, marks=[])
        step = {"group": self.steps(inner, 1, 3, depth - 1)}
        scope.width = inner.width
        return [self.common(step, scope)]

    def either(self, scope: Scope, depth: int) -> list[Step]:
        """Two steps or three under one name, of which mostly one is there."""
        condition, before = str(self.condition(scope)), self.width(scope)
        conditions = [condition, f"not ({condition})"]
        if self.chance(0.3):
            other = self.condition(scope)
            conditions[1:] = [f"not ({condition}) and ({other})", f"not ({condition} or ({other}))"]
        kinds = [self.operation] * 4 + ([self.group, self.call] if depth > 0 else [])
        ways = [self.pick(kinds)(replace(scope, marks=[]), depth)[-1] for _ in conditions]
        name = self.step_name(scope.numbered)
        for way, when in zip(ways, conditions, strict=True):
            way |= {"name": name, "when": when}
        if scope.kind in ("network", "body"):
            scope.marks += [name] * self.chance(0.5)
        scope.width = None
        return [*before, *ways]

    def placed(self, scope: Scope) -> Any:
        """What makes a place of the kind that the network is to have more of."""
        inside = {"group": self.group, "branch": self.join, "positions": self.positions}
        inside |= dict.fromkeys(("residual", "shortcut", "preactivation"), self.residual)
        if self.place == "steps":
            return self.loop if scope.numbered else self.group
        return inside.get(self.place, self.call)

    def run(self, scope: Scope, depth: int) -> list[Step]:
        """Several layers of a kind in a row, none with a name: some alike, some not."""
        word = self.pick([word for word in OPERATIONS if word not in SHAPERS])
        before, plain = self.width(scope), replace(scope, keep=True)
        if scope.vector:
            word = self.pick(["activation", "dropout", "norm"])
        kinds = [self.unnamed(word, plain) for _ in range(self.pick([1, 2, 2, 3]))]
        made: list[Step] = []
        for kind in self.pick([kinds * 2, sorted(kinds * 2, key=str), kinds * 3]):
            if self.chance(0.15):
                made.append({self.pick(["add", "multiply"]): [[], [copy.deepcopy(kind)]]})
                continue
            made.extend([self.to_width(plain)] if self.chance(0.7) else [])
            made.append(copy.deepcopy(kind))
        return [*before, *made]

    def unnamed(self, word: str, scope: Scope) -> Step:
        (step,) = self.operation(scope, word=word)
        return {word: step[word]}

    def loop(self, scope: Scope, depth: int) -> list[Step]:
        before = self.width(scope)
        inner = replace(scope, kind="steps", keep=True, index=True, marks=[])
        steps = self.steps(inner, 1, 3, 0)
        if depth and self.chance(0.25):
            steps += self.loop(inner, depth - 1)
        if inner.width != scope.width:
            steps.append(self.to_width(scope))
        return [*before, {"repeat": self.repeat(scope), "steps": steps}]

    def positions(self, scope: Scope, depth: int) -> list[Step]:
        inner = replace(scope, kind="positions", marks=[])
        steps: list[Step] = []
        for _ in range(self.pick([1, 2, 3])):
            words = POSITIONAL if self.chance(0.9) else tuple(OPERATIONS)
            if self.place == "positions" and self.chance(0.3):
                words = (self.placed_word,)
            (step,) = self.operation(inner, word=self.pick(words))
            if "norm" in step:
                step["norm"] |= {"kind": "layer"}
                step["norm"].pop("groups", None)
            steps.append(step)
        scope.width = inner.width
        return [{"positions": steps}]

    def earlier(self, scope: Scope, depth: int) -> list[Step]:
        """A join with an earlier value, or a step back to it."""
        name = self.pick(scope.marks)
        if self.chance(0.15):
            scope.width = None
            return [{"from": name}]
        scope.width = None
        inner = replace(scope, kind="branch", width=None, keep=True, marks=[])
        after = self.steps(inner, 0, 1, 0)
        return [self.common({"concat": [[], [{"from": name}, *after]]}, scope, False)]

    def join(self, scope: Scope, depth: int) -> list[Step]:
        word = self.pick(["add", "multiply", "concat"])
        before, count = self.width(scope), self.pick([2, 2, 3])
        split = self.chance(0.2)
        if split:
            scope.width = count * self.pick([2, 4])
            before.append(self.to_width(scope))
        entering = scope.width
        if split:
            entering //= count
        if word != "concat" and not scope.vector and self.chance(0.4):
            gate = self.pick([self.gate, self.gate, self.map])
            branches = [[], gate(replace(scope, kind="branch", marks=[], width=entering))]
            branches += [[]] * (count - 2)
            self.random.shuffle(branches)
        elif not split and self.chance(0.3):
            branches = self.alike(scope, count, depth)
        else:
            branches = [self.branch(scope, entering, word, depth) for _ in range(count)]
            scope.width = None if word == "concat" else entering
        branches = [self.in_full(branch, scope) for branch in branches]
        step: Step = {word: self.named(branches) if self.chance(0.4) else branches}
        if "repeat" in branches[0] and self.chance(0.3):
            step = {word: branches[0]}
        if split:
            step["split"] = True
        elif self.chance(0.1):
            step["split"] = False
        if word == "concat":
            scope.width = None
        made = self.common(step, scope)
        if "when" in made:
            scope.width = None
        return [*before, made]

    def in_full(self, steps: list[Step], scope: Scope) -> Any:
        """A branch, or seldom all that may be said of one: whether it is there, and how often."""
        if not self.chance(0.6 if self.theme in BRANCH else 0.08):
            return steps
        inner = replace(scope, index=scope.index or self.chance(0.3))
        given = ((one.key, self.value(one, inner, absent=0.3)) for one in BRANCH)
        return {**{key: value for key, value in given if value is not None}, "branch": steps}

    def branch(self, scope: Scope, entering: Any, word: str, depth: int) -> list[Step]:
        """Steps that keep height and width, and channels where they have to."""
        if self.chance(0.25):
            return []
        index = scope.index or self.chance(0.1)  # which only a branch that repeats has
        inner = replace(scope, kind="branch", width=entering, keep=True, index=index, marks=[])
        steps = self.steps(inner, 1, 2, depth - 1)
        if word != "concat" and inner.width != entering:
            steps.append(self.to_width(replace(inner, width=entering)))
        return steps

    def alike(self, scope: Scope, count: int, depth: int) -> list[list[Step]]:
        """Branches of the same shape: copies of one, with other things between."""
        inner = replace(scope, kind="branch", keep=False, marks=[])
        steps = self.steps(inner, 1, 2, 0)
        branches = [self.copied(steps, inner) for _ in range(count)]
        scope.width = inner.width
        return branches

    def copied(self, steps: list[Step], scope: Scope) -> list[Step]:
        """The steps that shape, copied without names, and an activation or norm between them."""
        made: list[Step] = []
        for step in steps:
            if step.keys() & {*SHAPING, "positions"}:
                made.append({k: copy.deepcopy(v) for k, v in step.items() if k != "name"})
            if self.chance(0.4):
                inner = replace(scope, keep=True)
                words = ["activation", "activation", "norm", "norm", *UNSHAPING]
                words += [self.placed_word] * 20 if self.place == "shortcut" else []
                made.extend(self.operation(inner, word=self.pick(words)))
        return made

    def gate(self, scope: Scope) -> list[Step]:
        steps: list[Step] = [{self.pick(GLOBAL): {"keepdims": True}}]
        if self.chance(0.3):
            steps += self.operation(scope, word="channel_conv")
        steps.append(self.common(self.to_width(scope), scope, False))
        return [*steps, *self.operation(replace(scope, keep=True), word="activation")]

    def map(self, scope: Scope) -> list[Step]:
        """A single map, which is spread over all channels."""
        conv: Step = {"conv": {"channels": 1, "kernel": self.pick([1, 3])}}
        return [conv, *self.operation(replace(scope, keep=True), word="activation")]

    def named(self, branches: list[Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for steps in branches:
            single = isinstance(steps, list) and len(steps) == 1 and self.chance(0.6)
            if isinstance(steps, dict) and "repeat" in steps and self.chance(0.4):
                steps["children"] = self.pick(CHILDREN)
            made[self.name()] = steps[0] if single else steps
        return made if len(made) == len(branches) else {f"b{i}": s for i, s in enumerate(branches)}

    # Residuals.

    def residual(self, scope: Scope, depth: int) -> list[Step]:
        before = self.width(scope)
        keep = self.chance(0.5)
        inner = replace(scope, kind="residual", keep=keep or scope.keep, marks=[])
        branch = self.reshaping(inner) if not keep and self.chance(0.5) else []
        inner.keep = inner.keep or bool(branch)
        branch += self.steps(inner, 1, 3, depth - 1)
        if keep and inner.width != scope.width and self.chance(0.8):
            inner.width = scope.width
            branch.append(self.to_width(inner))
        given: Step = {"branch": branch}
        if self.chance(0.8 if self.place == "preactivation" else 0.25):
            pre = replace(scope, kind="preactivation", keep=True, marks=[])
            words = ("norm", "activation", "dropout")
            second = self.pick(words) if self.chance(0.5) else self.word(pre)
            if self.place == "preactivation":
                second = self.placed_word
            given["preactivation"] = [
                *self.operation(pre, word="norm"),
                *self.operation(pre, word=second),
            ]
        for one in RESIDUAL:
            if one.key == "shortcut":
                given["shortcut"] = self.kind_of_shortcut(scope, branch, keep)
            elif (value := self.value(one, scope, absent=0.75)) is not None:
                given[one.key] = value
        scope.width = inner.width
        return [*before, self.common({"residual": given}, scope, False)]

    def reshaping(self, scope: Scope) -> list[Step]:
        """A step that may change the shape, in some calls of a block or in all."""
        if not scope.vector and self.chance(0.15):
            return [{self.pick(GLOBAL): {"keepdims": True}}]
        words = ["upsample", "conv", "max_pool", "avg_pool", "conv_transpose"]
        words += [self.theme.owner] * 4 if self.theme.owner in SHAPING else []
        word = "linear" if scope.vector else self.pick(words)
        return self.operation(scope, word=word)

    def kind_of_shortcut(self, scope: Scope, branch: list[Step], keep: bool) -> Any:
        """A kind, a parameter, steps like the branch's, or a mapping."""
        fitting = KINDS_OF_SHORTCUT if keep else [k for k in KINDS_OF_SHORTCUT if k != "identity"]
        if not keep and not self.forced and self.chance(0.25):
            return {"steps": self.shortcut_steps(scope, branch), "where": "shape_changes"}
        forms = ["kind", "kind", "network", "word", "steps", "mapping", "mapping"]
        forms += ["word"] * 5 if self.theme.owner == "residual" else []
        forms += ["mapping"] * 5 if self.theme.owner == "shortcut" else []
        form = self.pick(forms)
        if self.forced and self.theme.key in ("shortcut", "kind"):
            form = "word" if self.theme.owner == "residual" else "mapping"
        if form == "network":
            return "$shortcut"
        if form == "word":
            words = self.random.sample(list(fitting), 2)
            return self.symbol("shortcut", "shortcut", words, scope, self.form)
        if form == "steps":
            return self.shortcut_steps(scope, branch)
        if form == "mapping":
            given: Step = {}
            for one in SHORTCUT:
                if one.key == "kind" and one != self.theme and self.chance(0.5):
                    given["steps"] = self.shortcut_steps(scope, branch)
                elif one.key == "kind":
                    given["kind"] = self.scalar(one, scope, list(fitting))
                elif (value := self.value(one, scope)) is not None:
                    given[one.key] = value
            return given
        return self.pick(fitting)

    def shortcut_steps(self, scope: Scope, branch: list[Step]) -> list[Step]:
        inner = replace(scope, kind="shortcut", numbered=True, marks=[])
        steps = self.copied(branch, inner)
        return steps or self.operation(replace(inner, keep=True), word="activation")
