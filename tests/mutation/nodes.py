"""The same faults in files that make a graph of nodes, whose blocks are functions of it.

What is inside of such a function cannot be observed: a fault there is located at its call, and one
of what the network itself applies without a module at the next module, if there is one.
"""

from __future__ import annotations

from .mutants import EVALUATION, Mutant

FIRST = "Conv(in_channels, 8, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1])"
POOL = "kernel_shape=[2, 2], strides=[2, 2])"
STRIDED = """\
            in_channels, channels, [3, 3], strides=[stride, stride], pads=[1, 1, 1, 1]
        )
        self.bn1 = BatchNormalization(channels)
        self.conv2 = Conv(channels, channels, [3, 3], pads=[1, 1, 1, 1])
"""
LATER = """\
            in_channels, channels, [3, 3], pads=[1, 1, 1, 1]
        )
        self.bn1 = BatchNormalization(channels)
        self.conv2 = Conv(channels, channels, [3, 3], strides=[stride, stride], pads=[1, 1, 1, 1])
"""
PLAIN = "self.bn1(op, self.conv1(op, x))"
SECOND = "\n        x = self.bn2(op, self.conv2(op, x))"
NODES = (
    Mutant(
        "another padding", "residual", FIRST, FIRST.replace("1, 1, 1, 1", "0, 0, 2, 2"), "conv1"
    ),
    Mutant(
        *("epsilon 1e-3", "residual", "self.bn1 = BatchNormalization(8)"),
        *("self.bn1 = BatchNormalization(8, epsilon=1e-3)", "bn1"),
    ),
    Mutant("stride on the second convolution", "residual", STRIDED, LATER, "layer2.0"),
    Mutant(
        *("missing activation", "residual", f"x = op.Relu({PLAIN}){SECOND}"),
        *(f"x = {PLAIN}{SECOND}", "layer1.0"),
    ),
    Mutant(
        *("shortcut not projected from the pre-activation", "residual"),
        *("self.downsample(op, preactivation)", "self.downsample(op, x)", "layer3.0"),
    ),
    Mutant(
        *("identity tapped after the activation", "residual"),
        *("if self.projects else x\n", "if self.projects else preactivation\n", "layer3.1"),
    ),
    Mutant("another gate", "residual", "op.Sigmoid(self.fc2", "op.HardSigmoid(self.fc2", "gate"),
    Mutant("sum for a gate", "residual", "op.Mul(x, gate)", "op.Add(x, gate)", "gate"),
    Mutant(
        *("gelu by tanh", "branches", "op.Gelu(self.wide(op, x))"),
        *('op.Gelu(self.wide(op, x), approximate="tanh")', "first"),
    ),
    Mutant("slope of Keras", "branches", "alpha=0.2", "alpha=0.3", "first"),
    Mutant("groups of a norm", "branches", "num_groups=2", "num_groups=4", "first"),
    Mutant(
        *("padding that does not count", "branches", "count_include_pad=1"),
        *("count_include_pad=0", "first"),
    ),
    Mutant(
        *("swapped branches", "branches", "op.Concat(branch1, branch2"),
        *("op.Concat(branch2, branch1", "first"),
    ),
    Mutant(
        *("order of groups", "branches", "Apply(channel_shuffle, 4)"),
        *("Apply(channel_shuffle, 22)", "shuffle"),
    ),
    Mutant("another slice", "branches", "[4], [40]", "[5], [41]", "slice"),
    Mutant(
        *("epsilon of a layer norm", "branches", "LayerNormalization(36, axis=1)"),
        *("LayerNormalization(36, axis=1, epsilon=1e-3)", "layer_norm"),
    ),
    Mutant(
        *("one pool for two", "twins", POOL),
        *("kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])", "pool2"),
    ),
    Mutant("the slope of another", "twins", "alpha=0.3", "alpha=0.1", "depthwise2"),
    Mutant(
        *("a sum with its own ReLU", "twins", "op.Add(x, op.Relu(x))"),
        *("op.Add(op.Relu(x), op.Relu(x))", "narrow"),
    ),
    Mutant(
        *("no shortcut at all", "twins", "op.Relu(op.Add(x, shortcut))", "op.Relu(x)", "first"),
    ),
    Mutant(
        *("a shortcut that is made and not called", "twins", "shortcut = self.shortcut(op, x)"),
        *("shortcut = x", "second"),
    ),
    Mutant(
        *("a name without a value", "twins", "Linear(8, num_classes)", "Linear(8, classed)", ""),
        *(EVALUATION, "NameError: name 'classed' is not defined"),
    ),
    Mutant(
        *("text that escapes", "twins", "import onnx\n", "'\\N x'\nimport onnx\n", ""),
        *(EVALUATION, "SyntaxError"),
    ),
    Mutant("another pool", "unseen", "op.ReduceMean(x, [2", "op.ReduceMax(x, [2", ""),
)
