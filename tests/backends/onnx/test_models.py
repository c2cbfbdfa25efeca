"""Models as others see them: their functions, their files, and what torch.onnx.export makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnx.inliner
import onnxruntime
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

import rescompile
from rescompile.cli import main
from rescompile.convert.conversion import Converter
from rescompile.emit.naming import pascal_case
from rescompile.errors import SpecError
from rescompile.ir.structure import Form
from rescompile.ir.trace import CallTrace, walk_traces
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights

ROOT = Path(__file__).parents[3]
TORCH_HELPERS = {file.stem for file in (ROOT / "backends/rescompile_torch/helpers").glob("*.py")}
SPEC = """
rescompile: 1
name: tiny
input: {channels: 3, height: 16, width: 16}
classes: 5
use: [blocks/residual]
shortcut: projection
stem:
  - {conv: {channels: 8, kernel: 3}, name: conv1}
stages:
  - {name: layer1, block: bottleneck, repeat: 3, channels: 4}
  - {name: layer2, block: bottleneck, repeat: 2, channels: 8, stride: 2}
  - {name: layer3, block: bottleneck, repeat: 2, channels: 8, stride: 1}
head:
  - global_avg_pool: {}
  - {linear: {features: $classes}, name: fc}
"""


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made


@pytest.fixture(scope="module")
def file(converter: Converter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small network as a model."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "tiny.yaml").write_text(SPEC, "utf-8")
    drawn = random_weights(rescompile.load(SPEC).analysis.elaborated, 3)
    np.savez(folder / "w.npz", **{".".join(p): a.astype("f4") for p, a in drawn.items()})
    converter.convert(folder / "w.npz", str(folder / "tiny.yaml"), folder / "tiny.onnx")
    return folder / "tiny.onnx"


def checked(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def test_a_file_is_complete(file: Path) -> None:
    """It runs at any size of the batch, by itself, and gives what the reference does."""
    checked(onnx.load(file))
    net = rescompile.load(SPEC)
    session = onnxruntime.InferenceSession(file)
    elaborated = net.analysis.elaborated
    for batch in (1, 3):
        x = np.random.default_rng(batch).standard_normal((batch, 3, 16, 16))
        (wanted,) = run(elaborated, random_weights(elaborated, 3), x).outputs
        (got,) = session.run(None, {"images": x.astype("f4")})
        assert relative_error(got, wanted) < 1e-5
    said = {one.key: one.value for one in onnx.load(file).metadata_props}
    assert said["network"] == "tiny"
    assert said["rescompile"] == rescompile.__version__


def test_each_kind_of_block_is_one_function(file: Path) -> None:
    """With a shortcut that is projected and without; what calls differ in are attributes."""
    model = onnx.load(file)
    assert [one.name for one in model.functions] == ["Bottleneck", "Bottleneck_2"]
    assert [*model.functions[0].attribute] == ["strides"]
    calls = {
        node.name.rpartition("/")[0]: node for node in model.graph.node if node.domain == "tiny"
    }
    assert len(calls) == 7
    given = {name: [*node.attribute[0].ints] for name, node in calls.items() if node.attribute}
    assert given == {"layer1/0": [1, 1], "layer2/0": [2, 2]}
    source, *weights = calls["layer2/0"].input
    assert source == calls["layer1/2"].output[0]
    kept = [tensor.name for tensor in model.graph.initializer]
    assert weights == [name for name in kept if name.startswith("layer2.0.")]
    assert [*model.functions[0].input][1:] == [name.removeprefix("layer2.0.") for name in weights]


# The last one has functions in functions whose attributes are alike.
SHAPED = ["resnet34", "densenet121", "mobilenet_v3_small", "convnext_tiny", "ese_vovnet39b"]


@pytest.mark.parametrize("spec", SHAPED)
def test_a_shipped_network_has_as_many_functions_as_kinds_of_blocks(spec: str) -> None:
    net = rescompile.load(spec)
    model = net.module("onnx")
    checked(model)
    blocks = net.analysis.network.blocks
    called = {
        pascal_case(trace.node.block)
        for _, trace in walk_traces(net.analysis.elaborated.root.items)
        if isinstance(trace, CallTrace) and blocks[trace.node.block].form is not Form.INLINE
    }
    names = {re.sub(r"_\d+\Z", "", one.name) for one in model.functions}
    assert names == called
    checked(onnx.inliner.inline_local_functions(model))
    for one in model.functions:  # of blocks within blocks, too
        assert len({*one.attribute}) == len(one.attribute)
        used = {own.ref_attr_name for node in one.node for own in node.attribute}
        assert used - {""} == {*one.attribute}
    bodies = [str(one.node) for one in model.functions]
    assert len({*bodies}) == len(bodies) >= len(called)


def test_files_have_the_classes_of_those_of_pytorch() -> None:
    """A function for each kind of block; what helpers define, and the network itself, is none."""
    files = sorted((ROOT / "generated/onnx").glob("*.py"))
    assert len(files) > 100
    for file in files:
        blocks = re.findall(r"^@function\nclass (\w+)\(", file.read_text("utf-8"), re.MULTILINE)
        other = (ROOT / "generated/torch" / file.name).read_text("utf-8")
        (network,) = re.findall(rf"^def {file.stem}\(.*?-> (\w+):", other, re.MULTILINE | re.DOTALL)
        kinds = {*re.findall(r"^class (\w+)\(", other, re.MULTILINE)} - TORCH_HELPERS
        assert {*blocks} == kinds - {network}, file.name


@pytest.mark.slow  # the exporter alone takes half a minute
def test_it_computes_what_torchs_export_of_the_same_weights_does(
    file: Path, converter: Converter, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    converter.convert(file, str(file.with_name("tiny.yaml")), tmp_path / "tiny.pth")
    model = rescompile.load(SPEC).module("torch")
    model.load_state_dict(torch.load(tmp_path / "tiny.pth", weights_only=True))
    images = torch.randn(2, 3, 16, 16)
    torch.onnx.export(model.eval(), (images,), tmp_path / "flat.onnx", dynamo=True, verbose=False)
    flat = onnxruntime.InferenceSession(tmp_path / "flat.onnx")
    (wanted,) = flat.run(None, {flat.get_inputs()[0].name: images.numpy()})
    (got,) = onnxruntime.InferenceSession(file).run(None, {"images": images.numpy()})
    assert relative_error(got, wanted) < 1e-5


def external(tensor: TensorProto, folder: Path) -> None:
    onnx.external_data_helper.set_external_data(tensor, "../secret")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL


def twice(tensor: TensorProto, folder: Path) -> None:
    tensor.name = "fc.weight"


def short(tensor: TensorProto, folder: Path) -> None:
    tensor.raw_data = tensor.raw_data[:-4]


@pytest.mark.parametrize(
    ("harm", "says"),
    [(external, "lies in another file"), (twice, "one name"), (short, "or broken")],
)
def test_a_file_with_a_bad_tensor_is_refused(
    harm: Any, says: str, file: Path, converter: Converter, tmp_path: Path
) -> None:
    model = onnx.load(file)
    harm(model.graph.initializer[0], tmp_path)
    (tmp_path / "bad.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SpecError, match=says) as caught:
        converter.convert(
            tmp_path / "bad.onnx", str(file.with_name("tiny.yaml")), tmp_path / "o.npz"
        )
    assert caught.value.diagnostics[0].code == "E302"


def test_weights_of_another_exporter_are_read_by_name(
    converter: Converter, file: Path, tmp_path: Path
) -> None:
    """Nothing of the graph matters but its initializers."""
    kept = onnx.load(file).graph.initializer
    graph = helper.make_graph([], "any", [], [], list(reversed(kept)))
    (tmp_path / "bare.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    spec = str(file.with_name("tiny.yaml"))
    converter.convert(tmp_path / "bare.onnx", spec, tmp_path / "o.npz")
    with np.load(tmp_path / "o.npz") as made:
        for tensor in kept:
            assert made[tensor.name].tobytes() == numpy_helper.to_array(tensor).tobytes()


def test_training_is_refused_with_its_reason(file: Path) -> None:
    done = CliRunner().invoke(main, ["verify", str(file.with_name("tiny.yaml")), "-b", "onnx"])
    assert done.exit_code == 1
    assert "training: " in done.output
    assert "--level forward" in done.output


def test_metadata_has_the_preprocessing_of_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told by the hash of their file."""
    from rescompile.convert import whose

    net, file = rescompile.load("resnet34"), tmp_path / "w.pth"
    assert {*whose.about(net, tmp_path / "w.npz")} == {"rescompile", "spec", "network"}
    file.write_bytes(b"weights")
    monkeypatch.setattr(whose, "sha256", lambda given: net.weights[0].sha256)
    found = whose.about(net, file)
    assert found["weights"] == "resnet34:IMAGENET1K_V1"
    assert json.loads(found["preprocessing"])["resize"] == 256
