"""Emitted graphs brought to life: float64 by ONNX's reference, everything else by onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from rescompile.emit.contract import Weights
from rescompile.emit.weights import COUNTER, Slot, state_slots
from rescompile.ir.analysis import Analysis
from rescompile.ir.inputs import each_input
from rescompile.ir.structure import Path, path_of

from . import files
from .exact import run

DOUBLE = onnx.TensorProto.DOUBLE


class OnnxRuntime:
    """Weights are the initializers, which have their names in PyTorch's state dict."""

    seeded = 0

    def versions(self) -> dict[str, str]:
        return {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}

    def seed(self, seed: int) -> None:
        self.seeded = seed

    def build(self, module: ModuleType, name: str, dtype: str) -> onnx.ModelProto:
        network = getattr(module, name)()
        made: onnx.ModelProto = module.export(network, dtype, self.seeded)
        return made

    def set_weights(self, model: onnx.ModelProto, analysis: Analysis, weights: Weights) -> None:
        given = {".".join(path): np.asarray(array) for path, array in weights.items()}
        kept = {tensor.name: tensor for tensor in model.graph.initializer}
        if wrong := given.keys() ^ kept.keys():
            raise ValueError(f"weights that only one side has: {', '.join(sorted(wrong))}")
        for name, tensor in kept.items():
            if given[name].shape != tuple(tensor.dims):
                raise ValueError(f"{name} is {[*tensor.dims]}, not {[*given[name].shape]}")
            dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.CopyFrom(numpy_helper.from_array(given[name].astype(dtype, "C"), name))

    def get_weights(self, model: onnx.ModelProto, analysis: Analysis) -> dict[Path, Any]:
        kept = model.graph.initializer
        return {path_of(t.name): numpy_helper.to_array(t) for t in kept}

    def run(self, model: onnx.ModelProto, images: Any, training: bool = False) -> list[Any]:
        names = [given.name for given in model.graph.input]
        kind = model.graph.input[0].type.tensor_type.elem_type
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        given = (np.asarray(array).astype(dtype) for array in each_input(images))
        start = dict(zip(names, given, strict=True))
        if kind == DOUBLE:
            return run(model, start)
        return list(_session(model).run(None, start))

    def values(
        self,
        model: onnx.ModelProto,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of what the network's graph has a scope for; not within functions.

        A node is called `layer1/0/Conv_3`, and the last one of a scope gives its value.
        """
        ends = {
            node.name.rpartition("/")[0].replace("/", "."): node.output[0]
            for node in model.graph.node
        }
        names = {path: ends[name] for path in paths if (name := ".".join(path)) in ends}
        part = onnx.ModelProto()
        part.CopyFrom(model)
        del part.graph.output[:]
        kind = model.graph.input[0].type.tensor_type.elem_type
        made = [helper.make_tensor_value_info(n, kind, None) for n in {*names.values()}]
        part.graph.output.extend(made)
        outputs = [value.name for value in made]
        found = dict(zip(outputs, self.run(part, images), strict=True)) if made else {}
        return {path: found[name] for path, name in names.items()}

    def slots(self, model: onnx.ModelProto, analysis: Analysis) -> list[Slot]:
        return state_slots(analysis)

    read = staticmethod(files.read)

    def save(
        self,
        model: onnx.ModelProto,
        analysis: Analysis,
        weights: Weights,
        file: FilePath,
        about: Mapping[str, str],
    ) -> None:
        own = {path: array for path, array in weights.items() if path[-1] != COUNTER}
        self.set_weights(model, analysis, own)
        helper.set_model_props(model, dict(about))
        file.write_bytes(model.SerializeToString(deterministic=True))


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers)
