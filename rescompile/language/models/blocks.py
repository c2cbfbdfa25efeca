"""Blocks: what a call may give them, their inputs and outputs, their steps."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..names import ParameterName, PortName, PortNames, StepValue, ValueName
from ..types import Bool, Either, Int, Repeat, Text, wrong
from .base import Model
from .steps import Step, Steps  # noqa: F401 (Steps refers to Step by name)


class ParameterSpec(Model):
    """A block parameter. `once`: only the first repetition gets it, the others the default."""

    type: Literal["int", "float", "bool", "extents", "str", "shortcut"] = Field(
        "int",
        description="What its values are. `extents` are a number for each axis, or one for all, "
        "as a kernel is; `str` is a word, such as a kind of activation; "
        "`shortcut` a kind or steps of one.",
    )
    default: Any = Field(
        None, description="The value where a call gives none; without it every call must give one."
    )
    once: Bool = Field(
        False,
        description="Whether only the first of several repetitions gets the argument, and the "
        "others the default: a stride.",
    )
    about: Text = Field("", description="A sentence.")

    @model_validator(mode="after")
    def _once(self) -> "ParameterSpec":
        if self.once and self.type in ("str", "shortcut"):
            help = "repeat the block in a second call, which gives the other word"
            wrong("a word is the same for all repetitions: only numbers are `once`", help, "once")
        if self.once and self.default is None:
            help = "add `default: 1`, say, which the other repetitions get"
            wrong("a parameter that is given `once` needs a default", help, "once")
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `{type: int}`, perhaps with a `default`"


def _outputs(value: Any) -> str:
    return "named" if isinstance(value, dict) else "list"


class Values(Model):
    """Several inputs or outputs of a block, as many as each of its calls says."""

    name: PortNames = Field(
        description="The pattern of their names: `{i}` counts from zero, `{n}` from one."
    )
    repeat: Repeat = Field(description="How many there are, as a parameter of the block says.")

    @classmethod
    def example(cls, value: Any) -> str:
        return 'write `{name: "x{i}", repeat: $count}`, say'


Port = Annotated[
    PortName | Values,
    Either(lambda value: "several" if isinstance(value, dict) else "one", "one", "several"),
]


class BlockSpec(Model):
    """A block: `body` of named children, `sequence` of numbered ones, or `inline` steps."""

    about: Text = Field(
        "", description="A sentence; the docstring of the emitted class or function."
    )
    parameters: dict[ParameterName, ParameterSpec] = Field(
        default_factory=dict, description="What a call may give, by name."
    )
    let: dict[ValueName, Int] = Field(
        default_factory=dict,
        description="Names for expressions over the parameters, each usable below it.",
    )
    inputs: list[Port] = Field(
        default_factory=list,
        description="With `body`: names for what a call gives with `from`, where that is more than "
        "what comes in.",
    )
    outputs: Annotated[
        list[Port] | dict[PortName, StepValue], Either(_outputs, "list", "named")
    ] = Field(
        default_factory=list,
        description="With `body`: its inputs and steps whose values it gives, where those are "
        "several. A mapping has names for them, each with the value that it stands for.",
    )
    body: Steps | None = Field(None, description="Steps with names: a module.")
    sequence: Steps | None = Field(None, description="Numbered steps: a sequence.")
    inline: Steps | None = Field(None, description="Steps that join the caller's sequence.")

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `body:`, and the list of steps under it"

    @model_validator(mode="after")
    def _one(self) -> "BlockSpec":
        forms = [form for form in (self.body, self.sequence, self.inline) if form is not None]
        if len(forms) != 1:
            help = "write `body:` and a list of steps"
            wrong("a block has exactly one of `body`, `sequence` and `inline`", help)
        if not forms[0]:
            wrong("a block needs at least one step", "add a step, such as `- norm: {}`")
        for name in self.let:
            if name in self.parameters:
                help = f"give the value another name, '{name}_1' say"
                wrong(f"the block has a parameter '{name}' already", help, "let", name)
        self._check_values()
        return self

    def gives(self, outputs: Iterable[str]) -> dict[str, str]:
        """What its outputs, by the names that callers have, are called in the block itself."""
        named = self.outputs if isinstance(self.outputs, dict) else {}
        return {name: named.get(name, name) for name in outputs}

    def _check_values(self) -> None:
        named = self.outputs if isinstance(self.outputs, dict) else dict(enumerate(self.outputs))
        every: dict[str, Mapping[Any, str | Values]]
        every = {"inputs": dict(enumerate(self.inputs)), "outputs": named}
        for what, given in every.items():
            if given and self.body is None:
                wrong(f"only a block with a `body` has `{what}`", "write `body:`", what)
            values: list[str | Values] = []
            for place, value in given.items():
                if isinstance(value, str) and value in values:
                    wrong(f"'{value}' stands twice among the `{what}`", "remove one", what, place)
                values.append(value)
        if len(named) == 1 and not any(isinstance(one, Values) for one in named.values()):
            help = "make its step the last one, which needs no `outputs`"
            wrong("`outputs` are several values, but this is one", help, "outputs")
