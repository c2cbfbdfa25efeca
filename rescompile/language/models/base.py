"""What every part of a spec is: strict about its keys, and aware of its place in the file."""

from collections.abc import Mapping
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from ...errors import Location
from ..hints import mapping
from ..located import Located
from ..types import shown, wrong


class Model(BaseModel):
    """Base of all parts of a spec: strict about keys, and aware of its place in the file."""

    # Each model would build a validator of its own; only those of whole files are ever needed.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    _source: Located | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _locate(cls, value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """A validated model that knows its place."""
        if value is None:
            wrong("expected a mapping, found nothing", "write {} where there is nothing to say")
        if not isinstance(value, (dict, BaseModel)):
            wrong(f"expected a mapping, found {shown(value)}", cls.example(value))
        if isinstance(value, Located):
            value.model = cls
        made = handler(cls.declared(value))
        if isinstance(value, Located):
            made._source = value
        return made

    @classmethod
    def declared(cls, value: Any) -> Any:
        """The part of a mapping that the fields are for."""
        return value

    @classmethod
    def example(cls, value: Any) -> str:
        """What to write in the place of a `value` that is no mapping."""
        required = [key for key, field in cls.model_fields.items() if field.is_required()]
        return f"write `{mapping(value, required, cls.model_fields)}`"

    @property
    def tree(self) -> Mapping[str, Any]:
        """What the file says, with places; nothing for a model that no file has."""
        return self._source if self._source is not None else {}

    @property
    def places(self) -> Mapping[str, Location]:
        """Where the values stand that the file has, by their keys."""
        return self._source.places if self._source is not None else {}

    def at(self, key: str | None = None, index: str | int | None = None) -> Location | None:
        """Where the value of `key` stands, or its element `index`, or the model itself."""
        if self._source is None:
            return None
        if key is None:
            return self._source.at
        places = getattr(self._source.get(key), "places", ())
        if (isinstance(places, dict) and index in places) or (isinstance(index, int) and places):
            return places[index]  # type: ignore[no-any-return]
        return self._source.places.get(key, self._source.at)

    def key_at(self, *keys: str) -> Location | None:
        """Where a key itself stands, or the last of keys one inside the other."""
        *outer, key = keys
        tree = self.tree
        for one in outer:
            tree = tree.get(one, {})
        return tree.keys_at.get(key) if isinstance(tree, Located) else None
