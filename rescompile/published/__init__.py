"""Published weights: the entries of a spec, what they are for, and what an image becomes first."""

from .entry import Preparation, Published, entries, entry

__all__ = ["Preparation", "Published", "entries", "entry"]
