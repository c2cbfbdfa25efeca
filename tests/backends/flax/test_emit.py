"""Emitted Flax source: as Flax's own examples are written, and refused where it is not the spec."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.language.load import zoo
from rescompile.registry import get_backend

SPECS = Path(__file__).parents[2] / "mutation/specs"
GENERATED = Path(__file__).parents[3] / "generated/flax"
STANDARD = {"functools", "collections.abc", "math"}
# What a careless emitter of Flax writes, by its defaults or by another framework's names.
SHARED = (
    ("padding=1", 'padding="SAME"'),
    ("padding=1", "padding=0"),
    ("padding=1, ", ""),
    ("momentum=0.9, ", ""),
    ("momentum=0.9", "momentum=0.1"),
    (", use_fast_variance=False", ""),
    ("use_fast_variance=False", "use_fast_variance=True"),
    ("use_fast_variance=False", "epsilon=1e-3, use_fast_variance=False"),
    ('"fan_out", "normal"', '"fan_in", "normal"'),
    ('"fan_out", "normal"', '"fan_out", "truncated_normal"'),
    ("variance_scaling(2.0,", "variance_scaling(1.0,"),
    ('1 / 3, "fan_in", "uniform"', '1.0, "fan_in", "uniform"'),
    ("use_bias=False,", ""),
    ("strides=stride", "strides=1"),
    ("strides=(2, 2)", "strides=(1, 1)"),
    ("window_shape=(3, 3)", "window_shape=(2, 2)"),
    (", padding=((1, 1), (1, 1))", ""),
    ("padding=((1, 1), (1, 1))", "padding=((0, 1), (0, 1))"),
    ("axis=(1, 2)", "axis=(2, 3)"),
    ("axis=(1, 2)", "axis=1"),
    ("nnx.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))"),
    ("nnx.relu(self.bn1(self.conv1(x)))", "nnx.gelu(self.bn1(self.conv1(x)))"),
    ("nnx.relu(self.bn1(self.conv1(x)))", "self.bn1(nnx.relu(self.conv1(x)))"),
    ("self.bn1(self.conv1(x))", "self.bn2(self.conv1(x))"),
    ("        x += shortcut\n", ""),
    ("shortcut = self.downsample(x)", "shortcut = x"),
    ("stride != 1 or in_channels != channels", "True"),
    ("for _ in range(blocks - 1)", "for _ in range(blocks)"),
    ("nnx.Sequential(first, *rest)", "nnx.Sequential(*rest)"),
    (", *rest)", ", rest)"),
    ("64, 128, blocks=4, stride=2", "64, 128, blocks=4"),
    ("self.layer1 = make_stage", "self.stage1 = make_stage"),
    ("(self.conv1(x))", "(self.conv_1(x))"),
    ("rngs=rngs)", ")"),
    ("rngs=rngs)", "rngs=None)"),
    ("return self.fc(x)", "return nnx.softmax(self.fc(x))"),
    ("jnp.mean(x,", "jnp.max(x,"),
    ("nnx.max_pool", "nnx.avg_pool"),
    ("nnx.BatchNorm", "nnx.LayerNorm"),
    ("nnx.BatchNorm", "nnx.batch_norm"),
    ("linear(512, num_classes", "linear(num_classes, 512"),
)
OTHERS = (
    ("convnext_tiny", "approximate=False", "approximate=True"),
    ("convnext_tiny", "Apply(nnx.gelu, approximate=False)", "nnx.gelu"),
    ("convnext_tiny", "broadcast_dims=(1, 2, 3), ", ""),
    ("convnext_tiny", "1e-6", "1e-5"),
    ("convnext_tiny", "self.layer_scale * self.block(x)", "self.block(x)"),
    ("convnext_tiny", "feature_group_count=in_channels,", ""),
    ("convnext_tiny", "jnp.moveaxis(x, -1, 1).reshape", "jnp.reshape"),
    ("shufflenet_v2_x0_5", "groups=2)", "groups=4)"),
    ("shufflenet_v2_x0_5", "branch1, branch2 = jnp", "branch2, branch1 = jnp"),
    ("shufflenet_v2_x0_5", ".swapaxes(-1, -2)", ""),
    ("googlenet", "more if more < window_shape[i] else after", "more"),
    ("densenet121", "axis=-1", "axis=1"),
    ("densenet121", "[x, branch]", "[branch, x]"),
    ("unet", "transpose_kernel=True", "transpose_kernel=False"),
    ("unet", "strides=2, padding=1", 'strides=2, padding="SAME"'),
    ("unet", "[encoder4, x]", "[encoder3, x]"),
    ("preact_resnet18", "self.relu1 = nnx.identity", "self.relu1 = nnx.Sequential()"),
)
MUTANTS = [*(("resnet34", old, new) for old, new in SHARED), *OTHERS]


@pytest.mark.parametrize(("spec", "old", "new"), MUTANTS)
def test_a_broken_emitter_is_refused(spec: str, old: str, new: str) -> None:
    net, backend = open_spec(spec), get_backend("flax")
    source = backend.emit(net.request)
    assert old in source, "the emitter writes something else now: mutate that"
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(backend, net.lowered, source.replace(old, new))


def test_a_resnet_is_short() -> None:
    assert len((GENERATED / "resnet34.py").read_text("utf-8").splitlines()) <= 90


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_a_file_imports_flax_and_jax_alone(spec: str) -> None:
    tree = ast.parse((GENERATED / f"{spec}.py").read_text("utf-8"))
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    assert found - STANDARD <= {"flax", "jax", "jax.numpy"}


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_no_function_is_there_twice_and_every_argument_is_used(spec: str) -> None:
    """Names of members, which Flax's sequences do not have, make no difference."""
    tree = ast.parse((GENERATED / f"{spec}.py").read_text("utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        declared = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        assert declared - used <= {"self", "rngs"}, function.name
    bodies = [
        "".join(map(ast.unparse, node.body))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(set(bodies)) == len(bodies)
