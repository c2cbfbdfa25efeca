"""Steps of one operation each, drawn from its declaration."""

from __future__ import annotations

import copy
from typing import Any

from rescompile.ops import OPS, GlobalPool, Op

from .declarations import OPERATIONS, RESIDUAL, STEP
from .values import Scope, Step, Values

POOLS = ("max_pool", "avg_pool")
EVEN = (*POOLS, "conv_transpose")
VECTOR = (  # mostly fit
    *("linear", "linear", "norm", "activation", "dropout", "stochastic_depth", "unflatten"),
    *("channel_conv", "split_softmax"),
)
NEVER = ("flatten", "linear", "unflatten", "channel_conv")  # where a map is to stay one
WIDTHS = {
    "conv": "channels",
    "std_conv": "channels",
    "conv_transpose": "channels",
    "linear": "features",
}
CLASSES = {kind.word: kind for kind in OPS if kind.word in OPERATIONS}
GLOBAL = [word for word, kind in CLASSES.items() if issubclass(kind, GlobalPool)]
# What makes another number of channels, and tells none.
WIDENING = {word for word, kind in CLASSES.items() if kind.leaving is not Op.leaving} - {*WIDTHS}
WIDENING |= {"depthwise_conv"}
RESIZING = {word for word, kind in CLASSES.items() if kind.resizes is not Op.resizes}
SHAPING = {*WIDTHS, *WIDENING, *RESIZING} - {"flatten", "unflatten"}
# What changes shapes whatever it is given, or has its place elsewhere.
SHAPERS = (SHAPING | {"flatten", "unflatten", "layer_scale"}) - {*POOLS}
UNSHAPING = ("dropout", "stochastic_depth", "channel_shuffle")
KEY = {one.key: one for one in (*RESIDUAL, *STEP)}
PLACES = ("body", "sequence", "inline", "group", "steps", "branch", "residual", "shortcut")
PLACES += ("preactivation", "positions")
# Each network has one operation in one kind of place more often than others.
PLACED = [(word, place) for word in OPERATIONS for place in PLACES]


class Operations(Values):
    """Draws operations; keeps the options that others of their kind may repeat."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.palettes: dict[Any, list[Step]] = {}
        self.placed_word, self.place = PLACED[seed % len(PLACED)]

    # What all steps have.

    def common(self, step: Step, scope: Scope, condition: bool = True) -> Step:
        """The step with a name and a condition, or without."""
        if self.chance(0.45) and scope.kind not in ("inline", "steps", "positions"):
            step["name"] = self.step_name(scope.numbered)
            if scope.kind in ("network", "body") and "residual" not in step:
                scope.marks.append(step["name"])
        if condition and self.chance(0.15):
            step["when"] = self.when(scope)
            if step.keys() & {*WIDTHS, *WIDENING, "block", "group"}:
                scope.width = None
        return step

    def when(self, scope: Scope) -> Any:
        return self.pick([True, False]) if self.chance(0.2) else self.condition(scope)

    def width(self, scope: Scope) -> list[Step]:
        """Nothing, where the channels are known; else a convolution to some that are."""
        if scope.width is not None:
            return []
        scope.width = self.pick([4, 6, 8])
        return [self.to_width(scope)]

    def to_width(self, scope: Scope) -> Step:
        word, key = ("linear", "features") if scope.vector else ("conv", "channels")
        given: Step = {key: scope.width}
        for one in OPERATIONS[word]:
            if one.key != key and (value := self.value(one, scope, True, absent=0.8)) is not None:
                given[one.key] = 1 if one.key == "groups" else value
        return {word: given}

    # Operations.

    def operation(self, scope: Scope, depth: int = 0, word: str = "") -> list[Step]:
        word = word or self.word(scope)
        given = self.options(word, scope)
        if word == "upsample" and "scale" not in given:
            given |= {"to": self.pick(scope.marks) if scope.marks else "input"}
        step = {word: given}
        if word in WIDTHS:
            scope.width = given[WIDTHS[word]]
        elif word in WIDENING and len(given) > (word == "depthwise_conv"):
            scope.width = None if word != "depthwise_conv" or "multiplier" in given else scope.width
        scope.vector &= word != "unflatten"
        return [self.common(step, scope, word != "layer_scale")]

    def word(self, scope: Scope) -> str:
        if scope.vector:
            return self.pick(VECTOR)
        if scope.kind == self.place and self.chance(0.4):
            return self.placed_word
        words = [word for word in OPERATIONS if word not in (*NEVER, *GLOBAL)]
        if self.theme.owner in words and self.chance(0.55):
            return self.theme.owner
        if scope.keep and self.chance(0.95):
            words = [word for word in words if not word.startswith("adaptive")]
        if self.chance(0.8):
            words.remove("space_to_depth")  # it divides few maps, and leaves little of them
        if scope.numbered and self.chance(0.95):
            words.remove("layer_scale")
        return self.pick([*words, "conv", "activation", "activation", "norm"])

    def options(self, word: str, scope: Scope) -> Step:
        """What an operation is given: often the same again as another of its kind."""
        owner = scope.block.name if scope.block is not None else ""
        palette = self.palettes.setdefault((owner, word, scope.keep, scope.index), [])
        if palette and self.chance(0.55):
            return copy.deepcopy(self.pick(palette))
        made: Step = {}
        for one in OPERATIONS[word]:
            if (value := self.value(one, scope, scope.keep)) is not None:
                made[one.key] = value
        if word == "norm" and made.get("kind") == "group":
            made["groups"] = self.pick([1, 2])
        if scope.keep and word in EVEN:
            made |= self.even(word, made["kernel"], scope)
        palette.append(made)
        return copy.deepcopy(made)

    def even(self, word: str, kernel: Any, scope: Scope) -> Step:
        """Stride and padding under which a map keeps its height and width."""
        if isinstance(kernel, list):
            half: Any = [self.half(k) for k in kernel]
        else:
            half = self.half(kernel)
        made = {"stride": 1, "padding": half}
        for one in OPERATIONS[word]:
            if one.key in made and not isinstance(made[one.key], (list, str)):
                made[one.key] = self.scalar(one, scope, [made[one.key]])
        return made

    def half(self, kernel: Any) -> Any:
        return f"{_operand(kernel)} // 2" if isinstance(kernel, str) else kernel // 2


def _operand(text: str) -> str:
    return text if text[1:].isidentifier() else f"({text})"
