import onnx
from onnx import helper, numpy_helper

from .constants import OPSETS
from .functions import functions
from .Value import Value


def model(name: str, x: Value, outputs: list[Value]) -> onnx.ModelProto:
    """A graph from its input to its outputs, with the functions it calls."""
    graph, info = x.graph, helper.make_value_info
    blocks = functions(graph.calls)  # completes the nodes that call them
    array, given = numpy_helper.from_array, graph.weights.items()
    weights = [array(weight, key) for key, weight in given]
    start, *ends = [info(y.name, y.type) for y in (x, *outputs)]
    made = helper.make_graph(graph.nodes, name, [start], ends, weights)
    how = {"functions": blocks, "opset_imports": OPSETS, "doc_string": __doc__}
    return helper.make_model(made, ir_version=10, **how)
