"""What a step may have beside what it does, and which steps may not have it."""

from pydantic import Field

from ..names import ChildName, Children, ValueName
from ..types import Bool, Condition, Repeat, wrong
from .base import Model

INDEX = "What expressions call the number of each, from 0, in place of `$index`."
JOINS = ("add", "multiply", "concat")
# What takes no condition, and where to write it instead.
UNCONDITIONAL = {
    "positions": "put it into a `group:`, and write `when` beside that",
    "table": "write it into its `step`, or give it a column",
    "residual": "write it inside of the residual, beside `branch`",
    "reuse": "put it into a block together with the step, and let that decide",
    "steps": "put them into a block that is `inline`, and write `when` in its call",
}


class Common(Model):
    """What a step may have beside what it does."""

    name: ChildName | None = Field(
        None,
        description="What the step is called in its scope: the attribute in PyTorch, part of the "
        "layer's name in Keras.",
    )
    when: Condition = Field(
        True,
        description="Where false the step is left out. It may depend on parameters, as in "
        "`$stride > 1`.",
    )
    repeat: Repeat | None = Field(
        None,
        description="How many times in a row: for `block`, `steps` and `reuse`. 0 leaves them out.",
    )
    children: Children | None = Field(
        None,
        description="The pattern of the repetitions' names: `{i}` counts from zero, `{n}` from "
        "one, `{name}` is the step's own name.",
    )
    index: ValueName | None = Field(
        None, description=f"With `steps` that are written out: {INDEX[0].lower()}{INDEX[1:]}"
    )
    split: Bool = Field(
        False,
        description="For `add`, `multiply` and `concat`: each branch gets an equal share of the "
        "channels, in order, where it otherwise gets all of them.",
    )

    def check_beside(self, word: str) -> None:
        """Refuse what may not stand beside a word, which says what the step does."""
        if self.repeat is not None and word not in ("block", "steps", "reuse"):
            help = "put the step into a block, or under `steps:` inside a group"
            wrong(f"a `{word}` step cannot be repeated", help, "repeat")
        if self.repeat is None and word == "steps":
            wrong("`steps` without `repeat` has no meaning", "use `group:` for a sequence", "steps")
        if self.index is not None and word != "steps":
            help = "use `$index`, or repeat `steps` that hold this one"
            wrong(f"the turns of a `{word}` have no name for their number", help, "index")
        if word == "reuse" and self.children is not None:
            help = "remove it"
            wrong("the turns of a `reuse` are one step: they have no names", help, "children")
        if self.repeat is None and self.children is not None:
            wrong(
                "`children` names repetitions, but nothing is repeated",
                "add `repeat:`, or write `name:` for a single step",
                "children",
            )
        if self.split and word not in JOINS:
            help = "split the channels between the branches of `add`, `multiply` or `concat`"
            wrong(f"a `{word}` step has no branches to split between", help, "split")
        if word in ("steps", "positions", "table"):
            self._check_unnamed(word)
        if self.when is not True and word in UNCONDITIONAL:
            wrong(f"a `{word}` step has no condition of its own", UNCONDITIONAL[word], "when")

    def _check_unnamed(self, word: str) -> None:
        """What lets its steps join the sequence around it has nothing that a name could be of."""
        for key, value in (("name", self.name), ("children", self.children)):
            if value is not None:
                help = "remove it, or put the steps into a `group:` with a name"
                wrong(
                    f"`{word}` gives its steps to what is around it: it has no `{key}`", help, key
                )


COMMON = tuple(Common.model_fields)
