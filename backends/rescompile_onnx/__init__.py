"""The ONNX backend of rescompile."""

from .backend import backend

__all__ = ["backend"]
