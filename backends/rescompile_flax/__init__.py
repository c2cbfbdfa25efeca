"""The Flax backend of rescompile: modules of NNX."""

from .backend import backend

__all__ = ["backend"]
