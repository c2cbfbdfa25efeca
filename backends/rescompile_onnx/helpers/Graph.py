from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.shape_inference import infer_node_outputs

from .constants import OPSET, OPSETS
from .Value import Value


class Graph:
    """Nodes in the making: of the network, or of the call of a block that is named."""

    def __init__(self, dtype: Any, rng: np.random.Generator, name: str = "") -> None:
        self.dtype, self.rng, self.name = np.dtype(dtype), rng, name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self.calls: list[tuple[onnx.NodeProto, Graph]] = []  # inner ones first
        self.taken: set[str] = set()
        self.result = ""

    def local(self, name: str) -> str:
        """What has that name, as it is called in the block."""
        return name.removeprefix(f"{self.name}.")

    def free(self, name: str) -> str:
        """A name for a value: the node's, unless another value has it."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def value(self, name: str, shape: Sequence[int | str]) -> Value:
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        made = helper.make_tensor_type_proto(kind, shape)
        return Value(self, self.free(self.local(name)), made)

    def weight(self, name: str, shape: Sequence[int], start: Any) -> Value:
        """A tensor, and what it starts as: a number, or what is drawn."""
        drawn = start if isinstance(start, float) else start(self.rng, shape)
        value = self.value(name, shape)
        self.weights[value.name] = np.full(shape, drawn, self.dtype)
        return value

    def constant(self, name: str, number: Any) -> Value:
        """A number of the graph's type, or an array."""
        dtype = None if isinstance(number, (list, np.ndarray)) else self.dtype
        data = numpy_helper.from_array(np.asarray(number, dtype))
        (made,) = self.add("Constant", (), name, value=data)
        return Value(self, made.name, made.type, data)

    def given(self, name: str, value: Any) -> Value:
        """An input of a node: nothing, a value, or a constant."""
        if value is None:
            return Value(self, "", onnx.TypeProto())
        return value if isinstance(value, Value) else self.constant(name, value)

    def add(self, kind: str, inputs: Sequence, name: str, **attributes: Any) -> list[Value]:
        """A node; its outputs, of which a split has several."""
        given = [self.given(f"{name}.{i}", x) for i, x in enumerate(inputs)]
        label, ends = self.local(name), range(attributes.get("num_outputs", 1))
        names = [self.free(f"{label}.{i}" if i else label) for i in ends]
        start = [x.name for x in given]
        node = helper.make_node(kind, start, names, label, **attributes)
        self.nodes.append(node)
        schema = onnx.defs.get_schema(kind, OPSET)
        types = {x.name: x.type for x in given}
        data = {x.name: x.data for x in given if x.data is not None}
        made = infer_node_outputs(schema, node, types, data, opset_imports=OPSETS)
        return [Value(self, end, made[end]) for end in names]
