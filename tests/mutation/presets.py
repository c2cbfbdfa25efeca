"""The same faults in files whose layers come from presets, and whose functions are no modules.

What such a function makes cannot be observed: a fault in it is located behind it, or at its block.
"""

from __future__ import annotations

from .mutants import DRAWN, EVALUATION, FACTORS, GRADIENTS, INITIAL, RUNNING, Mutant

FIRST = "conv(in_channels, 8, (3, 3), strides=2, padding=1, rngs=rngs)"
MASK, RATE = "broadcast_dims=(1, 2, 3), ", "nnx.Dropout(0.5, rngs"
STAYS = 'options.get("deterministic", self.deterministic)'
DROP = "nnx.Dropout.__call__(self, x, **options)"
CALL = "return Drops(num_classes, in_channels, rngs=rngs)"
BRANCH = "x = self.drop_path(self.bn(self.conv(x)))\n        x += shortcut\n"
APPLIED = "x: jax.Array) -> jax.Array:\n        "
JOINED = "jnp.concatenate([branch1, branch2, branch3], axis=-1)"
MADE = "self.conv2 = conv(channels, channels, (3, 3), padding=1, rngs=rngs)"


def dropout(call: str) -> str:
    """A dropout that is called in another way."""
    made = f'{{"__call__": lambda self, x, **options: {call}}}'
    return f'type("Dropout", (nnx.Dropout,), {made})(0.5, rngs'


PRESETS = (
    # -- Numbers, and what the framework's defaults suggest ---------------------------------------
    Mutant("`same` at stride 2", "residual", FIRST, FIRST.replace("=1", '="SAME"'), "conv1"),
    Mutant("another padding", "residual", FIRST, FIRST.replace("=1", '="CIRCULAR"'), "conv1"),
    Mutant(
        *("epsilon 1e-3", "residual"),
        *("nnx.BatchNorm, momentum=0.9,", "nnx.BatchNorm, momentum=0.9, epsilon=1e-3,", "bn1"),
    ),
    Mutant(
        *("momentum not inverted", "residual", "momentum=0.9,", "momentum=0.1,"),
        *("bn1.running_mean", RUNNING),
    ),
    Mutant(
        *("momentum of the old", "residual", "batch_norm(8, ", "batch_norm(8, momentum=0.1, "),
        *("bn1.running_mean", RUNNING),
    ),
    Mutant(
        *("truncated normal", "residual", '"fan_out", "normal"', '"fan_out", "truncated_normal"'),
        *("tails of all normal weights", INITIAL),
    ),
    Mutant(
        *("one initialiser for all", "residual", MADE, MADE.replace("=rngs", "=nnx.Rngs(0)")),
        *("layer1.1.conv2.weight", INITIAL),
    ),
    Mutant("gelu by tanh", "branches", "approximate=False", "approximate=True", "first"),
    Mutant("slope of Keras", "branches", ", negative_slope=0.2", ", negative_slope=0.3", "first"),
    Mutant(
        *("groups of a norm", "branches", "group_norm(channels, 2", "group_norm(channels, 4"),
        "first.group_norm",
    ),
    Mutant(
        *("epsilon of a layer norm", "branches"),
        *("nnx.LayerNorm, epsilon=1e-5", "nnx.LayerNorm, epsilon=1e-3", "layer_norm"),
    ),
    Mutant(
        *("no dilation", "branches"),
        *("padding=2,\n            kernel_dilation=2", "padding=1", "first.depthwise"),
    ),
    Mutant("no interpolation", "pools", 'method="bilinear"', 'method="nearest"', "bn2"),
    Mutant(
        "floor for ceil", "pools", "            ceil_max_pool", "            nnx.max_pool", "bn2"
    ),
    Mutant(
        *("pixels beyond the edge that count", "pools"),
        *("sides, count_include_pad=False)", "sides, count_include_pad=True)", "bn2"),
    ),
    Mutant(
        *("the slope of another", "twins"),
        *("self.depthwise1(x), negative_slope=0.3", "self.depthwise1(x), negative_slope=0.1"),
        "depthwise2",
    ),
    Mutant(
        *("a depthwise kernel of one group", "twins"),
        *("8, 16, (3, 3), padding=1, feature_group_count=8", "8, 16, (3, 3), padding=1"),
        *("", EVALUATION, "depthwise2.weight"),
    ),
    # -- Steps, and the order in which they come --------------------------------------------------
    Mutant(
        *("shortcut not projected from the pre-activation", "residual"),
        *("self.downsample(preactivation) if", "self.downsample(x) if", "layer3.0.downsample.0"),
    ),
    Mutant(
        *("missing activation", "residual"),
        "x = nnx.relu(self.bn1(self.conv1(x)))\n        x = self.bn2",
        "x = self.bn1(self.conv1(x))\n        x = self.bn2",
        "layer1.0.conv2",
    ),
    Mutant(
        *("stride on the second convolution", "residual"),
        "(3, 3), strides=stride, padding=1, rngs=rngs)\n"
        "        self.bn1 = batch_norm(channels, rngs=rngs)\n"
        "        self.conv2 = conv(channels, channels, (3, 3), padding=1",
        "(3, 3), padding=1, rngs=rngs)\n"
        "        self.bn1 = batch_norm(channels, rngs=rngs)\n"
        "        self.conv2 = conv(channels, channels, (3, 3), strides=stride, padding=1",
        "layer2.0.conv1",
    ),
    *(
        Mutant(what, "residual", "x += shortcut\n        return nnx.relu(x)", new, "layer1.0")
        for what, new in (
            ("mean for sum", "return nnx.relu((x + shortcut) / 2)"),
            ("ReLU before the addition", "return nnx.relu(x) + shortcut"),
            ("activation before the addition", "return nnx.relu(x) + shortcut"),
        )
    ),
    Mutant("another gate", "residual", "nnx.sigmoid(", "nnx.hard_sigmoid(", "gate"),
    Mutant(
        "sum for a gate", "residual", "        return x * gate", "        return x + gate", "gate"
    ),
    Mutant(
        *("a gate without a gradient", "residual"),
        "gate = nnx.sigmoid(self.fc2(gate))\n        return x * gate",
        "gate = nnx.sigmoid(self.fc2(gate))\n        return x * jax.lax.stop_gradient(gate)",
        *("gate.fc2.bias", GRADIENTS),
    ),
    Mutant(
        *("zeros around a max-pool", "branches"),
        "nnx.max_pool(\n            x, window_shape=(3, 3), strides=(2, 2), "
        "padding=((1, 1), (1, 1))\n        )",
        "nnx.max_pool(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), (2, 2))",
        "first.wide",
    ),
    Mutant("rows of a flatten", "branches", "jnp.moveaxis(x, -1, 1).reshape", "x.reshape", "fc"),
    Mutant(
        *("padding that does not count", "branches"),
        "nnx.avg_pool(x, window_shape=(3, 3), strides=(1, 1), padding=((1, 1), (1, 1))",
        "nnx.avg_pool(x, window_shape=(3, 3), strides=(1, 1), padding=((1, 1), (1, 1)), "
        "count_include_pad=False",
        "first.depthwise",
    ),
    Mutant(
        "order of groups", "branches", "shuffle(x, groups=4", "shuffle(x, groups=22", "layer_norm"
    ),
    Mutant(
        *("another slice", "branches"),
        *("start_index=4, limit_index=40", "start_index=5, limit_index=41", "layer_norm"),
    ),
    Mutant(
        *("swapped branches", "branches", JOINED),
        *(JOINED.replace("branch1, branch2", "branch2, branch1"), "first"),
    ),
    Mutant(
        *("one pool for two", "twins", "(x, window_shape=(2, 2), strides=(2, 2))"),
        *("(x, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))", "depthwise1"),
    ),
    Mutant(
        *("a sum with its own ReLU", "twins"),
        *("x = x + nnx.relu(x)", "x = nnx.relu(x) + nnx.relu(x)", "narrow"),
    ),
    Mutant(
        *("a shortcut that is made and not called", "twins"),
        f"{APPLIED}shortcut = self.shortcut(x)",
        f"{APPLIED}shortcut = x",
        "second",
    ),
    Mutant(
        *("a shortcut without its gradient", "twins"),
        f"{APPLIED}shortcut = self.shortcut(x)",
        f"{APPLIED}shortcut = jax.lax.stop_gradient(self.shortcut(x))",
        *("second.shortcut.1.bias", GRADIENTS),
    ),
    Mutant(
        *("no shortcut at all", "twins"),
        *(
            "        x += shortcut\n        return nnx.relu(x)",
            "        return nnx.relu(x)",
            "first",
        ),
    ),
    Mutant(
        *("a branch without layers that is added", "twins"),
        "x = self.conv2(x)  # 8 x 8 x 8\n        x = nnx",
        *("x = self.conv2(x) + x\n        x = nnx", "depthwise1"),
    ),
    Mutant("another pool", "unseen", "jnp.mean(x, axis", "jnp.max(x, axis", ""),
    # -- What does not run ------------------------------------------------------------------------
    Mutant(
        *("a name without a value", "twins", "linear(8, num_classes", "linear(8, classes", ""),
        *(EVALUATION, "NameError: name 'classes' is not defined (line"),
    ),
    Mutant(
        *("a step that hides a module", "branches", JOINED, f"(lambda jnp: {JOINED})(x)", ""),
        *(EVALUATION, "has no attribute concatenate"),
    ),
    Mutant(
        *("text that escapes", "twins", "from functools", "'\\N x'\nfrom functools", ""),
        *(EVALUATION, "SyntaxError"),
    ),
    Mutant(
        *("a condition without a body", "drops", CALL, f"if num_classes:\n    {CALL}", ""),
        *(EVALUATION, "IndentationError"),
    ),
    Mutant(
        *("an end of the process", "twins", "return Twins(num_classes, in_channels, rngs=rngs)"),
        *("__import__('os')._exit(3)", "", EVALUATION, "exit code 3"),
    ),
    Mutant(
        *("maps with their channels first", "twins", "jnp.mean(x, axis=(1, 2))"),
        *("jnp.mean(x, axis=(2, 3))", "", EVALUATION, "(4,)"),
    ),
    # -- What is dropped --------------------------------------------------------------------------
    Mutant("a rate that is ignored", "drops", RATE, dropout("x"), "dropout", DRAWN),
    Mutant("a mask for each value", "drops", MASK, "", "first.drop_path", DRAWN),
    Mutant(
        *("a mask for each column", "drops", MASK, "broadcast_dims=(1, 3), "),
        *("first.drop_path", DRAWN),
    ),
    Mutant(
        *("a mask for the batch", "drops", MASK, "broadcast_dims=(0, 1, 2, 3), "),
        *("first.drop_path", DRAWN),
    ),
    Mutant(
        *("a mask for each sample of a dropout", "drops"),
        *(RATE, "nnx.Dropout(0.5, broadcast_dims=(1,), rngs", "dropout", DRAWN),
    ),
    Mutant(
        *("no scale", "drops", RATE, dropout(f"{DROP} * (1.0 if {STAYS} else 1 - self.rate)")),
        *("dropout", DRAWN),
    ),
    Mutant(
        *("a scale in evaluation", "drops", RATE),
        *(dropout(f"x * (1 - self.rate) if {STAYS} else {DROP}"), "dropout"),
    ),
    Mutant(
        *("drops in evaluation", "drops", RATE),
        *(dropout("nnx.Dropout.__call__(self, x, deterministic=False)"), "dropout"),
    ),
    Mutant(
        *("no drop", "drops", f"{BRANCH}        return nnx"),
        "x = self.bn(self.conv(x))\n        x += shortcut\n        return nnx",
        *("first", FACTORS),
    ),
    Mutant(
        *("a drop behind the sum", "drops", f"{BRANCH}        return nnx"),
        "x = self.bn(self.conv(x))\n        x = self.drop_path(x + shortcut)\n        return nnx",
        *("first.drop_path", FACTORS),
    ),
)
