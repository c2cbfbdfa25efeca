"""Whole networks, each from its seed: the files of a spec, as data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from .declarations import DEFAULTS, FORMS_OF_CALLS, KINDS_OF_SHORTCUT, OPERATIONS
from .operations import GLOBAL
from .steps import Steps
from .values import Block, Parameter, Scope, Step

Files = dict[str, dict[str, Any]]  # by the file's name without its suffix; the spec is "net"

ABSENT = {"defaults.init": 0.6, "defaults.activation": 0.5}


def network(seed: int) -> Files:
    """The files of a random spec: the spec itself, and what it extends and uses."""
    return _Network(seed).files()


class _Network(Steps):
    def files(self) -> Files:
        spec = self.spec()
        files: Files = {"net": spec}
        if "blocks" in spec and self.chance(0.12):
            files["library"] = {"rescompile": 1, "blocks": spec.pop("blocks")}
            spec["use"] = ["library"]
        if self.chance(0.15):
            files = {"net": self.extension(spec), "base": files.pop("net"), **files}
        return files

    def spec(self) -> Step:
        image = {"channels": self.pick([1, 3, 4]), **self.size()}
        scope = Scope("network", None, image["channels"], False)
        classes = self.pick([2, 3, 5])
        inputs, start = self.inputs(image, scope)
        stem = [*start, *self.steps(scope, 1, 3, 0)]
        stages = self.stages(scope)
        outputs = self.outputs(stages)
        head = [] if outputs else self.head(scope)
        spec: Step = {"rescompile": 1, "name": self.name()}
        spec |= {key: self.text() for key in self.some(("title", "source"), 0.6)}
        spec |= {**inputs, "classes": classes, "shortcut": self.shortcut_of_all()}
        spec |= {"defaults": made} if (made := self.defaults()) else {}
        if self.parameters:
            given = {p.name: p.default for p in self.parameters.values()}
            spec["parameters"] = given
        spec |= {"let": dict(self.lets)} if self.lets else {}
        if self.blocks:
            spec["blocks"] = {block.name: self.definition(block) for block in self.blocks.values()}
        spec |= {"stem": stem, "stages": list(self.tabled(stages))}
        spec |= {"head": head} if head else {}
        spec |= {"outputs": outputs} if outputs else {}
        return spec

    def inputs(self, image: Step, scope: Scope) -> tuple[Step, list[Step]]:
        """What comes in, and the steps that begin with it: an image, or two that are joined."""
        if self.chance(0.92):
            scope.marks += ["input"] * self.chance(0.3)
            return {"input": image}, []
        first, second = self.pick([("picture", "motion"), ("conv", "x"), ("self", "train")])
        other = {**image, "channels": self.pick([1, 2, 4])}
        scope.width, scope.marks = None, [*scope.marks, first, second]
        start = [{"from": first}, {"concat": [[], [{"from": second}]]}]
        return {"inputs": {first: image, second: other}}, start

    def size(self) -> dict[str, int]:
        """The extents of what goes in."""
        if self.axes == 1:
            return {"length": self.pick([16, 21, 32, 40])}
        height = self.pick([8, 9, 12, 16] if self.axes == 2 else [6, 7, 8])
        image = {"height": height, "width": self.pick([height, 7, 8, 10])}
        return image if self.axes == 2 else {"frames": self.pick([4, 5, 8]), **image}

    def shortcut_of_all(self) -> Any:
        return self.pick(["projection", "projection", *KINDS_OF_SHORTCUT])

    def stages(self, scope: Scope) -> list[Step]:
        in_blocks = (*OPERATIONS, "residual", "shortcut", "branch")
        made = self.themed(scope) if self.theme.owner in in_blocks else []
        calls = self.form in FORMS_OF_CALLS
        for _ in range(self.pick([3, 4] if calls else [1, 2, 3, 4])):
            kinds = [self.call] * 4 if calls else []
            kinds += [self.call, self.call, self.call, self.group, self.residual, self.join]
            steps = self.pick(kinds)(scope, 3)
            if self.chance(0.4):
                steps.extend(self.steps(scope, 1, 2, 2))
            made.extend(steps)
            if self.chance(0.04):
                made.extend(self.several(scope))
            if self.other.random() < 0.03:
                made.extend(self.pair(scope))
        return made

    def tabled(self, steps: list[Step]) -> Iterator[Step]:
        """Steps, some calls in a row as a table."""
        for calls, run in groupby(steps, lambda step: "block" in step):
            rows = list(run)
            if not calls or self.chance(0.7):
                yield from rows
                continue
            columns = list(dict.fromkeys(key for row in rows for key in row))
            table: Step = {}
            if len({row["block"] for row in rows}) == 1 and len(columns) > 1 and self.chance(0.6):
                table = {"step": {"block": rows[0]["block"]}}
                columns.remove("block")
            table |= {"columns": columns, "rows": [[r.get(key) for key in columns] for r in rows]}
            yield {"table": table}

    def outputs(self, stages: list[Step]) -> list[str]:
        """Some named steps, where the last one has a name."""
        single = (s for s in stages if "residual" not in s and not isinstance(s.get("from"), list))
        names = [s["name"] for s in single if "name" in s]
        if not names or names[-1] != stages[-1].get("name") or self.chance(0.5):
            return []
        inside = [name for step in stages for name in self.inside(step)]
        return [*self.some(names[:-1], 0.5), *self.some(inside, 0.3), names[-1]]

    def inside(self, step: Step) -> Iterator[str]:
        """What leaves the steps of a named group, as far as it is sure what they are called."""
        if "name" not in step or "when" in step or "block" in step:
            return
        for i, inner in enumerate(step.get("group", ())):
            if inner.keys() & {"steps", "block", "when", "positions"}:
                return
            yield f"{step['name']}.{inner.get('name', i)}"

    def head(self, scope: Scope) -> list[Step]:
        """To a vector and a classifier, mostly."""
        if self.chance(0.1):
            return self.operation(scope, word=self.pick(GLOBAL))
        start: Step = self.pick([{self.pick(GLOBAL): {}}, {"global_avg_pool": {}}, {"flatten": {}}])
        inner = Scope("network", None, None, False, vector=True)
        made = [start, *self.steps(inner, 0, 2, 1)]
        (last,) = self.operation(inner, word="linear")
        if self.chance(0.7):
            last["linear"]["features"] = "$classes"
        return [*made, last]

    def defaults(self) -> Step:
        """Some of the defaults, of which others change nothing here."""
        scope = Scope("defaults", None, None, False)
        made: Step = {}
        for owner, attributes in DEFAULTS.items():
            absent = ABSENT.get(owner, 0.85)
            given = {
                one.key: value
                for one in attributes
                if (value := self.value(one, scope, absent=absent)) is not None
            }
            if owner == "defaults":
                made |= given
            elif owner == "defaults.init":
                if self.chance(0.1):
                    made["init"] = {self.pick(["conv", "linear"]): given}
            elif given:
                made[owner.partition(".")[2]] = given
        if made.get("norm", {}).get("kind") == "group":
            made["norm"]["groups"] = 2
        return made

    def definition(self, block: Block) -> Step:
        made: Step = {"about": self.text()} if self.chance(0.4) else {}
        if block.parameters:
            made["parameters"] = {p.name: self.declared(p) for p in block.parameters.values()}
        if block.lets:
            made["let"] = dict(block.lets)
        given = {"inputs": block.inputs, "outputs": block.outputs}
        return {**made, **{k: v for k, v in given.items() if v}, block.form: block.steps}

    def declared(self, one: Parameter) -> Step:
        made: Step = {} if one.type == "int" and self.chance(0.3) else {"type": one.type}
        made |= {"default": one.default} if one.default is not None else {}
        made |= {"once": True} if one.once else {}
        made |= {"about": self.text()} if self.chance(0.1) else {}
        return made

    def extension(self, base: Step) -> Step:
        """A spec that says a few things of another one anew."""
        made: Step = {"rescompile": 1, "extends": "base", "name": self.name()}
        if self.chance(0.5):
            made["classes"] = 7
        if "parameters" in base and self.chance(0.6):
            name = self.pick(list(base["parameters"]))
            made["parameters"] = {name: self.pick(self.parameters[name].values)}
        if self.chance(0.4) and (defaults := self.defaults()):
            made["defaults"] = defaults
        named = [s for s in base["stages"] if "name" in s and "block" in s]
        if named and self.chance(0.5):
            step = self.pick(named)
            block = self.blocks[step["block"]]
            scope = Scope("network", None, None, False)
            made["stages"] = {step["name"]: copy.deepcopy(self.arguments(block, scope))}
        return made
