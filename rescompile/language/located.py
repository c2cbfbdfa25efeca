"""Plain data that remembers where it stood: what the pydantic models are built from."""

from __future__ import annotations

from typing import Any

from ..errors import Location
from .yaml import Item


class Located(dict[str, Any]):
    """A mapping with its place, the places of its values and keys, and the model it became."""

    __slots__ = ("at", "keys_at", "model", "places")

    def __init__(self, item: Item) -> None:
        super().__init__((key, locate(inner)) for key, inner in item.value.items())
        self.at = item.at
        self.places: dict[str, Location] = {key: inner.at for key, inner in item.value.items()}
        self.keys_at: dict[str, Location | None] = {
            key: inner.key_at for key, inner in item.value.items()
        }
        self.model: Any = None

    @classmethod
    def holding(cls, key: str, value: Any, at: Location) -> Located:
        """A mapping of one key, whose value is located already."""
        made = cls(Item({key: Item(None, at, at)}, at))
        made[key] = value
        return made


class LocatedList(list[Any]):
    """A list with the places of its elements."""

    __slots__ = ("at", "places")

    def __init__(self, item: Item) -> None:
        super().__init__(locate(inner) for inner in item.value)
        self.at = item.at
        self.places: list[Location] = [inner.at for inner in item.value]


def locate(item: Item) -> Any:
    """The item's value as plain data whose collections know their places."""
    if isinstance(item.value, dict):
        return Located(item)
    if isinstance(item.value, list):
        return LocatedList(item)
    return item.value
