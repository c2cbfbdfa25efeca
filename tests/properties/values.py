"""Values for attributes: constants, lists, parameters of blocks and networks, expressions, lets.

What is usual here are sizes that mostly fit together, so that most networks are good ones. Which
are, the compiler tells: nothing here repeats its rules.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from rescompile.language.names import CALL_KEYS, KNOWN, KNOWN_OUTSIDE, OF_NETWORK

from .declarations import ALL, FORMS_OF_CALLS, Attribute, forms_of
from .words import COMMONPLACE, CONTROLS, ODD, PIECES

T = TypeVar("T")
Step = dict[str, Any]
TAKEN = (*CALL_KEYS, *KNOWN, *KNOWN_OUTSIDE, *OF_NETWORK)
AXES = (2, 1, 2, 3)  # by turns
SYMBOLS = (*FORMS_OF_CALLS, "network parameter", "expression", "let")
# Each network has one attribute in one form more often than others: all of them come in turn.
THEMES = [(one, form) for one in ALL for form in forms_of(one) if form in SYMBOLS]

USUAL: dict[str, list[Any]] = {
    "channels": [4, 4, 6, 8],
    "features": [4, 5, 6, 8],
    "kernel": [1, 2, 3, 3, 3, 5],
    "stride": [1, 1, 1, 2, 3],
    "padding": [0, 1, 1, 2],
    "output_padding": [0, 0, 1],
    "dilation": [1, 1, 2],
    "groups": [1, 2, 2, 4],
    "multiplier": [1, 1, 2],
    "before": [0, 1, 2],
    "after": [0, 1, 2],
    "start": [0, 0, 1, 2],
    "splits": [1, 2, 2, 4],
    "stop": [2, 3, 4],
    "scale": [1, 1, 2],
    "size": [1, 2, 3, 4, 7],
    "repeat": [1, 2, 2, 3],
    "rate": [0, 0.1, 0.25, 0.5],
    "drop": [0, 0.1, 0.25],
    "epsilon": [1e-5, 1e-3, 0.01],
    "momentum": [0.1, 0.01, 0.3, 1.0],
    "slope": [0.01, 0.1, 0.3],
    "factor": [0.17, -1, 0.5, -0.3, 1],
    "residual.scale": [0.1, 0.3, -1, 1],
    "local_response_norm.size": [1, 2, 3, 5],
    "local_response_norm.alpha": [1e-4, 0.5],
    "beta": [0.75, 0.5],
    "k": [1.0, 2.0, 1],
    "channel_conv.size": [1, 3, 5],
    "alpha": [0.5, 1.0, 2],
    "threshold": [0, 0.1, 0.5],
    "value": [0, -0.3, 1],
    "init": [1e-6, 0.1, 1, 1.0],
    "std": [0.01, 0.1],
}
# Those that leave height and width as they are, most often.
KEEPING: dict[str, list[Any]] = {
    "kernel": [1, 3, 3, 5],
    "stride": [1],
    "padding": [],
    "dilation": [1, 2],
    "scale": [1],
    "multiplier": [1, 1, 2],
}


@dataclass
class Parameter:
    """A parameter of a block, and the values that calls give it."""

    name: str
    type: str
    topic: str  # the key of the attribute that it was made for
    values: list[Any]
    default: Any = None
    once: bool = False


@dataclass
class Block:
    """A block in the making."""

    name: str
    form: str
    depth: int
    parameters: dict[str, Parameter] = field(default_factory=dict)
    lets: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] | dict[str, str] = field(default_factory=list)
    width: Any = None  # the channels that leave it, as its steps say it
    done: bool = False


@dataclass(frozen=True)
class Made:
    """A step with a name, and the channels around it, where those are known."""

    name: str
    entering: Any
    leaving: Any
    keeps: bool  # height and width, as its scope wants it
    vector: bool


@dataclass
class Scope:
    """Where steps are drawn; `width` is what a step says to keep the channels, if that is known."""

    kind: str
    block: Block | None
    width: Any
    numbered: bool
    keep: bool = False  # whether steps are to leave height and width alone
    index: bool = False
    vector: bool = False
    marks: list[str] = field(default_factory=list)  # steps that later ones may go back to
    made: list[Made] = field(default_factory=list)  # steps that may be applied again


class Values:
    """Draws values; everything depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.other = random.Random(-seed - 1)  # for what was put between the rest afterwards
        self.theme, self.form = THEMES[seed % len(THEMES)]
        self.axes = AXES[seed // 2 % len(AXES)]  # of the maps
        self.forced = False  # whether the theme has to come now
        words = dict.fromkeys((*COMMONPLACE, *self.random.sample(ODD, len(ODD) // 4)))
        self.words = self.random.sample(list(words), len(words))
        self.used: list[str] = []
        self.lists: list[str] = []  # that steps are members of, and how many each has
        self.members: Counter[str] = Counter()
        self.parameters: dict[str, Parameter] = {}  # the network's
        self.lets: dict[str, str] = {}  # and its values

    def pick(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, values: Iterable[T], share: float) -> list[T]:
        return [value for value in values if self.chance(share)]

    def name(self) -> str:
        """A name, mostly one that nothing else has."""
        if self.used and self.chance(0.06):
            return self.pick(self.used)
        word = self.words.pop() if self.words else f"more{len(self.used)}"
        self.used.append(word)
        return word

    def step_name(self, numbered: bool = False) -> str:
        """A name of a step: of a member of a list at times, seldom where steps are `numbered`."""
        if not self.chance(0.005 if numbered else 0.12):
            return self.name()
        if not self.lists or self.chance(0.3):
            self.lists.append(self.pick([self.name(), f"{self.name()}.0"]))
        of = self.pick(self.lists)
        self.members[of] += self.pick([1, 1, 1, 1, 1, 2])
        return f"{of}.{self.members[of] - 1}"

    def value_name(self, *own: str) -> str:
        """A name for a parameter or a let, none of `own`: seldom one that has a meaning."""
        taken = own if self.chance(0.01) else (*TAKEN, *own)
        return next(name for name in iter(self.name, "") if name not in taken)

    def text(self) -> str:
        """A text of some ordinary and awkward pieces, short or long."""
        count = self.pick([1, 1, 2, 3, 8, 16])
        pieces = [self.pick(PIECES[:2] if self.chance(0.5) else PIECES) for _ in range(count)]
        pieces += [self.pick(CONTROLS), "after"] if self.chance(0.02) else []
        return self.pick([" ", " ", "", ", "]).join(pieces)

    # Values of an attribute.

    def usual(self, one: Attribute, keep: bool = False) -> list[Any]:
        """Constants for an attribute; of one that is not known here, from its range."""
        found: list[Any] = [*one.words] or ([True, False] if one.flag else [])
        if one.number is not None:
            least, most = one.number
            near = [least, least + 1, least + 2] if one.whole else [least + 0.25, least + 0.5]
            numbers = [n for n in near if most is None or n <= most]
            if (own := f"{one.owner}.{one.key}") in USUAL:
                return USUAL[own]
            numbers = USUAL.get(one.key, numbers)
            if keep and one.key in KEEPING and not (one == self.theme and self.forced):
                return KEEPING[one.key]
            found = numbers + found
        return found

    def value(self, one: Attribute, scope: Scope, keep: bool = False, absent: float = 0.5) -> Any:
        """A value in one of the forms that the attribute takes; None where it is left out."""
        values = self.usual(one, keep)
        if not values or (one != self.theme and not one.required and self.chance(absent)):
            return None
        if one.lists and scope.block is not None and self.chance(0.06):
            return self.extents(one, scope, [v for v in values if not isinstance(v, str)])
        if one.lists and self.chance(0.25):
            numbers = [v for v in values if not isinstance(v, str)]
            fitting = [n for n in one.lists if n in (self.axes, 2 * self.axes)]
            count = self.pick(one.lists if self.chance(0.1) else fitting)
            return [self.scalar(one, scope, numbers) for _ in range(count)]
        return self.scalar(one, scope, values)

    def extents(self, one: Attribute, scope: Scope, numbers: list[Any]) -> str:
        """A parameter for a number for each axis, or one for all."""
        lists = [[self.pick(numbers) for _ in range(self.axes)] for _ in range(2)]
        return f"${self.parameter('extents', one.key, [*lists, self.pick(numbers)], scope).name}"

    def scalar(self, one: Attribute, scope: Scope, values: list[Any]) -> Any:
        form = self.form if one == self.theme and (self.forced or self.chance(0.9)) else ""
        share = 0.4 if scope.block is not None or scope.kind == "defaults" else 0.12
        if one.expression and (form in SYMBOLS or self.chance(share)):
            return self.symbol(one.type, one.key, values, scope, form)
        return self.pick(values)

    # Symbols: parameters, expressions over them, lets.

    def symbol(self, type: str, topic: str, values: list[Any], scope: Scope, form: str = "") -> str:
        """An expression whose value is mostly one of `values`."""
        words = type in ("str", "shortcut")
        if type == "bool" and form in ("", "expression"):
            return self.condition(scope)
        if topic == "groups" and not form and self.chance(0.25):
            return self.pick(["$in_channels", "$in_channels // 2"])
        fitting = [v for v in values if isinstance(v, str) == words]
        owner = replace(scope, block=None) if form == "network parameter" else scope
        text = f"${self.parameter(type, topic, fitting, owner, form).name}"
        if (
            words
            or type in ("bool", "extents")
            or form in FORMS_OF_CALLS
            or form == "network parameter"
        ):
            return text
        if form in ("expression", "let") or self.chance(0.4):
            text = self.expression(type, topic, text, fitting, scope)
        if type != "int" or "$index" in text:
            return text
        if scope.block is None:
            return self.let_of_all(text) if self.chance(0.3) else text
        return self.let(text, scope.block) if form == "let" or self.chance(0.12) else text

    def let_of_all(self, text: str) -> str:
        """A name of the network for an expression, which may ask for what it does not know."""
        name = self.value_name(*self.parameters, *self.lets)
        self.lets[name] = text
        return f"${name}"

    def let(self, text: str, block: Block) -> str:
        name = self.value_name(*block.parameters, *block.lets)
        block.lets[name] = text
        return f"${name}"

    def parameter(
        self, type: str, topic: str, values: list[Any], scope: Scope, form: str = ""
    ) -> Parameter:
        """A parameter of the block, or of the network, old or new."""
        own = self.parameters if scope.block is None else scope.block.parameters
        alike = [p for p in own.values() if (p.type, p.topic) == (type, topic)]
        if form == "once":
            alike = [p for p in alike if p.once]
        if alike and self.chance(0.7):
            return self.pick(alike)
        lets = scope.block.lets if scope.block is not None else ()
        lets = (*lets, *(self.lets if scope.block is None else ()))
        several = values if type == "extents" else list(dict.fromkeys(values))
        made = Parameter(self.value_name(*own, *lets), type, topic, several)
        numbers = scope.block is not None and type not in ("str", "shortcut")
        made.once = numbers and (form == "once" or self.chance(0.25))
        if scope.block is None or made.once or form == "defaulted" or self.chance(0.4):
            made.default = self.pick(made.values)
        own[made.name] = made
        return made

    def expression(self, type: str, topic: str, text: str, values: list[Any], scope: Scope) -> str:
        other = self.pick(values)
        if type == "float":
            forms = [f"{text} / 2", f"{text} * 0.5", f"min({text}, {other})"]
            forms += [f"{other} if {self.condition(scope)} else {text}"]
            forms += [f"{text} * $index / 8"] if scope.index else []
            return self.pick(forms)
        forms = [f"max({text}, {other})", f"min({text}, {other})", f"({text} + {text}) // 2"]
        forms += [f"{text} if {self.condition(scope)} else {other}"] * 2
        forms += [f"int({text} * 1.0)", f"round({text} / 1)", f"ceil({text} / 1)", f"{text} % 7"]
        forms += [f"{text} + 1 - 1", f"2 ** min({text}, 3)", f"{text} * 2 ** 2 // 4"]
        if topic in ("channels", "features"):
            forms += [f"{text} * 2", f"{text} + 2", "$in_channels", "$in_channels * 2"]
            forms += [f"make_divisible({text} * 1.5, 2)", f"$in_channels + {text}"]
        if scope.index:
            forms += [f"{text} + $index", f"{other} if $index > 0 else {text}"] * 2
        if self.chance(0.02):
            forms = [self.condition(scope)]  # which is no number
        return self.pick(forms)

    def condition(self, scope: Scope) -> str:
        """A condition over what the scope knows."""
        own = self.parameters if scope.block is None else scope.block.parameters
        numbers = [p for p in own.values() if p.type == "int"]
        kinds = ["flag", "not flag"]
        kinds += ["compare", "compare", "channels"] if numbers else []
        kinds += ["both"] if self.chance(0.2) else []
        kinds += ["index"] * 2 if scope.index else []
        kind = self.pick(kinds)
        if kind == "both":
            left, right = self.condition(scope), self.condition(scope)
            return f"{left} {self.pick(['and', 'or'])} {right}"
        if kind == "index":
            return self.pick(["$index > 0", "$index == 1", "$index % 2 == 0"])
        if "flag" in kind:
            flag = self.parameter("bool", "flag", [True, False], scope)
            return f"${flag.name}" if kind == "flag" else f"not ${flag.name}"
        one = self.pick(numbers)
        sign = self.pick(["==", "!=", ">", "<", ">=", "<="])
        if kind == "channels":
            return f"$in_channels {sign} ${one.name}"
        if len(numbers) > 1 and self.chance(0.3):
            return f"${one.name} {sign} ${self.pick(numbers).name}"
        return f"${one.name} {sign} {self.pick(one.values)}"
