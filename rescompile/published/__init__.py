"""Published weights: the entries of a spec, and what an image becomes before each."""

from .entry import Published, entries, entry, reference
from .preprocessing import preprocessing

__all__ = ["Published", "entries", "entry", "preprocessing", "reference"]
