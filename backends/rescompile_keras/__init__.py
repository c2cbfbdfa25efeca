"""The Keras 3 backend of rescompile."""

from .backend import backend

__all__ = ["backend"]
