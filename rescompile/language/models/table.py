"""Steps as the rows of a table."""

from typing import Any

from pydantic import Field, model_validator

from ..names import Name
from ..types import wrong
from .base import Model


class Table(Model):
    """Steps as the rows of a table: of calls, whose keys the columns are, or as `step` has it.

    In `step` the name of a column with its `$` stands for the cell. The cells of columns that it
    does not name are arguments of its call; an empty cell, `~`, leaves its key out.
    """

    columns: list[Name] = Field(description="The names of the columns.", min_length=1)
    rows: list[list[Any]] = Field(
        description="The rows, each a list with a cell for each column.", min_length=1
    )
    step: dict[str, Any] = Field(
        default_factory=dict,
        description="What each row stands for. A `name` in it may have `{i}`, the number of the "
        "row from zero, or `{n}`, from one.",
    )

    @model_validator(mode="after")
    def _twice(self) -> "Table":
        for i, name in enumerate(self.columns):
            if name in self.columns[:i]:
                wrong(f"two columns are called '{name}'", "remove one of them", "columns", i)
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `{columns: [block, channels], rows: [[unit, 16], [unit, 32]]}`, say"
