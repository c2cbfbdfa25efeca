"""In which forms and places the attributes of some specs stand: an answer from the specs alone.

It reads what was drawn and knows nothing of how, so that what a generator forgets shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rescompile.language.names import CALL_KEYS

from .declarations import BRANCH, DEFAULTS, OPERATIONS, RESIDUAL, SHORTCUT, STEP, Attribute
from .networks import Files

Seen = set[tuple[str, str, str]]  # the owner of an attribute, its key, a form or a place


class Coverage:
    """Collects what the specs that it is shown hold."""

    def __init__(self) -> None:
        self.forms: Seen = set()
        self.places: Seen = set()
        self.keys: set[str] = set()

    def add(self, files: Files) -> None:
        """Everything in the files of one spec."""
        spec = {**files.get("base", {}), **files["net"]}
        self.keys.update(spec)
        blocks = {k: v for data in files.values() for k, v in data.get("blocks", {}).items()}
        _Reader(self, blocks, spec.get("parameters", {})).read(spec)


class _Reader:
    def __init__(self, seen: Coverage, blocks: dict[str, Any], parameters: dict[str, Any]) -> None:
        self.seen = seen
        self.blocks = blocks
        self.network = parameters
        self.calls: dict[str, list[tuple[dict[str, Any], str | None]]] = {}

    def read(self, spec: dict[str, Any]) -> None:
        lists = [spec.get(key) for key in ("stem", "stages", "head")]
        own = [steps for steps in lists if isinstance(steps, list)]
        found = [(None, "network", steps) for steps in own]
        for name, block in self.blocks.items():
            form = next(f for f in ("body", "sequence", "inline") if f in block)
            self.seen.keys.update(block)
            self.seen.keys.add(f"{form} block")
            found.append((name, form, block[form]))  # type: ignore[arg-type]
        for owner, _, steps in found:
            for step in _all_steps(steps):
                if isinstance(step.get("block"), str):
                    self.calls.setdefault(step["block"], []).append((step, owner))
        for owner, place, steps in found:
            self.steps(steps, place, owner)
        self.defaults(spec.get("defaults", {}))

    def defaults(self, given: dict[str, Any]) -> None:
        for owner, attributes in DEFAULTS.items():
            parts = [given]
            for key in owner.split(".")[1:]:
                parts = [part.get(key, {}) for part in parts]
            if owner == "defaults.init":
                parts = list(parts[0].values())
            for part in parts:
                self.attributes(attributes, part, "defaults", None)

    def steps(self, steps: list[Any], place: str, owner: str | None) -> None:
        for step in steps:
            self.step(step, place, owner)

    def step(self, step: dict[str, Any], place: str, owner: str | None) -> None:
        own = [key for key in step if key in CALL_KEYS or "block" not in step]
        self.seen.keys.update(f"{key} in {place}" for key in own)
        self.seen.keys.update(own)
        self.attributes(STEP, step, place, owner)
        if "block" in step:
            return  # the other keys are arguments
        for word, attributes in OPERATIONS.items():
            if word in step:
                self.attributes(attributes, step[word], place, owner)
        for word in ("group", "steps", "positions"):
            if word in step:
                self.steps(step[word], word, owner)
        for word in ("add", "multiply", "concat"):
            if word in step:
                form = "named" if isinstance(step[word], dict) else "listed"
                self.seen.keys.add(f"{word} {form}")
                for branch, full in _branches(step[word]):
                    self.attributes(BRANCH, full, place, owner)
                    self.seen.keys.add("no steps in a branch" if not branch else "branch")
                    self.steps(branch, "branch", owner)
        if "residual" in step:
            self.residual(step["residual"], place, owner)

    def residual(self, given: dict[str, Any], place: str, owner: str | None) -> None:
        self.attributes(RESIDUAL, given, place, owner)
        self.steps(given["branch"], "residual", owner)
        self.steps(given.get("preactivation", []), "preactivation", owner)
        shortcut = given.get("shortcut")
        if isinstance(shortcut, dict):
            self.attributes(SHORTCUT, shortcut, place, owner)
            shortcut = shortcut.get("steps")
        if isinstance(shortcut, list):
            self.seen.keys.add("steps of a shortcut")
            self.steps(shortcut, "shortcut", owner)

    def attributes(
        self,
        attributes: tuple[Attribute, ...],
        given: dict[str, Any],
        place: str,
        owner: str | None,
    ) -> None:
        for one in attributes:
            value = given.get(one.key)
            for form in self.forms(value, owner):
                self.seen.forms.add((one.owner, one.key, form))
            if value is not None:
                self.seen.places.add((one.owner, one.key, place))

    def forms(self, value: Any, owner: str | None) -> Iterator[str]:
        if value is None:
            yield "absent"
        elif isinstance(value, bool):
            yield str(value).lower()
        elif isinstance(value, (int, float)):
            yield "number"
        elif isinstance(value, list):
            yield f"list of {len(value)}"
            for inner in value:
                if isinstance(inner, str):
                    yield from self.forms(inner, owner)
        elif isinstance(value, str) and "$" in value:
            yield from self.symbols(value, owner)
        elif isinstance(value, str):
            yield f"word {value}"

    def symbols(self, value: str, owner: str | None) -> Iterator[str]:
        name = value[1:]
        block = self.blocks.get(owner, {}) if owner else {}
        if name in block.get("parameters", {}):
            yield "parameter"
            yield from self.of_calls(str(owner), name, block["parameters"][name])
        elif name in block.get("let", {}):
            yield "let"
        elif name in self.network:
            yield "network parameter"
        else:
            yield "expression"
            for word in value.replace("(", " ").replace(",", " ").split():
                if word[1:] in block.get("parameters", {}):  # an expression over it
                    yield from self.of_calls(str(owner), word[1:], block["parameters"][word[1:]])

    def of_calls(self, owner: str, name: str, declared: dict[str, Any]) -> Iterator[str]:
        """What the calls of a block do with one of its parameters."""
        calls = self.calls.get(owner, [])
        given = [call[name] for call, _ in calls if name in call]
        if declared.get("once") and any("repeat" in call for call, _ in calls if name in call):
            yield "once"
        if len(given) < len(calls) and "default" in declared:
            yield "defaulted"
        if len(set(map(str, given))) > 1:
            yield "varied"
        if any(place and "$" in str(call.get(name)) for call, place in calls):
            yield "nested"


def _branches(given: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The steps of each branch, and the mapping that they stand in, if they do."""
    if isinstance(given, dict) and isinstance(given.get("repeat"), (int, str)):
        given = [given]
    for part in given.values() if isinstance(given, dict) else given:
        full = part if isinstance(part, dict) and "branch" in part else {}
        steps = full.get("branch", part)
        yield (steps if isinstance(steps, list) else [steps]), full


def _all_steps(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping inside of a value, the steps among them."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _all_steps(inner)
