"""Weights in files of models: the initializers, by name; the graph is neither run nor followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import onnx
from onnx import TensorProto, helper, numpy_helper

from rescompile.emit.guard import Bound, BrokenFile, parsing
from rescompile.emit.weights import Stored, leaf_of

MODEL = "an ONNX model"


@contextmanager
def read(file: FilePath, bound: Bound) -> Iterator[list[Stored]]:
    """The initializers of a model, in its order. Raises `BrokenFile`."""
    with parsing(MODEL):
        model = onnx.ModelProto.FromString(file.read_bytes())
        if not model.ir_version or not model.HasField("graph"):
            raise BrokenFile("it holds no graph")
        kept = model.graph.initializer
        bound.count(len(kept))
        found = [_stored(tensor) for tensor in kept]
        if len({one.name for one in found}) < len(found):
            raise BrokenFile("two of its tensors have one name")
    yield found


def _stored(tensor: TensorProto) -> Stored:
    name = tensor.name
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise BrokenFile(f"'{name}' lies in another file, which is not followed")
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    halves = tensor.data_type == TensorProto.BFLOAT16
    shown = ("float32", "bfloat16") if halves else (dtype.name, "")
    return Stored(name, leaf_of(name), (*tensor.dims,), shown[0], partial(_read, tensor), shown[1])


def _read(tensor: TensorProto) -> Any:
    with parsing(MODEL):
        array = numpy_helper.to_array(tensor)
        return array.astype("float32") if tensor.data_type == TensorProto.BFLOAT16 else array
