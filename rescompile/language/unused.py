"""The lint of what a spec declares and no step of it takes: blocks, defaults, classes.

Unlike a parameter that nothing reads these are no errors: a base may have them for the specs that
extend it. What a base or a library declares is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import Location, did_you_mean, near
from .located import Located
from .models import ACTIVATION_OPTIONS, NORM_OPTIONS, OPERATIONS, Spec
from .references import Reading, names, single, steps, strings
from .types import is_expression

# The steps that leave a key to the defaults: convolutions, whose weights those draw as well.
LEFT = {
    key: tuple(
        word
        for word, model in OPERATIONS.items()
        if key in model.model_fields and model.model_fields[key].default is None
    )
    for key in ("bias", "padding")
}
PROJECTIONS = {"projection", "projection_always", "avg_projection"}
OPTIONS: dict[str, Mapping[str, Sequence[str]]] = {
    "norm": NORM_OPTIONS,
    "activation": ACTIVATION_OPTIONS,
}


# The code of a warning, its place, what stands under the caret, and the slip that it may be.
Finding = tuple[str, Location | None, str, str]


def unused(spec: Spec) -> list[Finding]:
    """What the spec's own file declares and its network does not need."""
    own = spec.at()
    found = [*_blocks(spec), *_defaults(spec), *_classes(spec)]
    return [one for one in found if one[1] and own and one[1].file == own.file]


def _blocks(spec: Spec) -> Iterator[Finding]:
    reached = Reading(spec).reached
    for name in spec.blocks:
        if name not in reached:
            slip = did_you_mean(name, near(name, reached))
            yield "F201", spec.key_at("blocks", name), f"nothing calls '{name}'", slip


def _classes(spec: Spec) -> Iterator[Finding]:
    if spec.classes is not None and "classes" not in names(Reading(spec).own_steps):
        yield "F203", spec.key_at("classes"), "no step reads `$classes`", ""


def _defaults(spec: Spec) -> Iterator[Finding]:
    given = spec.tree.get("defaults", {})
    takers = _Takers(spec)
    for key, value in given.items():
        inner = value if isinstance(value, Located) else {key: value}
        for name in inner:
            path = (key, name) if inner is value else (key,)
            if not takers.of(*path):
                at = spec.key_at("defaults", *path)
                yield "F202", at, f"no step takes `{'.'.join(path)}`", ""


class _Takers:
    """The steps of a network by what they do, and whether they leave a default to the spec."""

    def __init__(self, spec: Spec) -> None:
        self.kinds = {"norm": spec.defaults.norm.kind, "activation": spec.defaults.activation.kind}
        reading = Reading(spec)
        parts = [*reading.own_steps, reading.shortcut, *map(steps, reading.reached.values())]
        self.steps = [one for one in single(parts) if "block" not in one]  # those are arguments
        self.projects = not PROJECTIONS.isdisjoint(strings([parts, spec.tree.get("parameters")]))

    def options(self, *words: str) -> list[dict[str, Any]]:
        """What stands after these words, wherever a step begins with one."""
        return [one[word] for one in self.steps for word in words if word in one]

    def of(self, key: str, inner: str = "") -> bool:
        """Whether a step takes a default."""
        if key == "bias":
            return self.projects or any("bias" not in one for one in self.options(*LEFT["bias"]))
        if key == "padding":
            return any("padding" not in one for one in self.options(*LEFT["padding"]))
        if key == "init":
            words = LEFT["bias"] if inner == "conv" else (inner,)
            return bool(self.options(*words)) or (inner == "conv" and self.projects)
        return self.of_kind(key, inner)

    def of_kind(self, word: str, inner: str) -> bool:
        """Whether a norm or an activation takes a default, which its kind must have."""
        every = self.options(word) + [{}] * (word == "norm" and self.projects)
        kinds = [one.get("kind", self.kinds[word]) for one in every if inner not in one]
        return any(
            inner == "kind" or is_expression(kind) or inner in OPTIONS[word][kind] for kind in kinds
        )
