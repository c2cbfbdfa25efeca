from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from .Graph import Graph


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in a graph: N x channels (x height x width), and N is open."""

    graph: "Graph"
    name: str
    type: onnx.TypeProto
    data: onnx.TensorProto | None = None  # of a constant

    @property
    def shape(self) -> tuple[int | str, ...]:
        dims = self.type.tensor_type.shape.dim
        return tuple(dim.dim_value or dim.dim_param for dim in dims)
