"""The same faults in files that make a graph of nodes, whose blocks are functions of it.

What is inside of such a function cannot be observed: a fault there is located at its call.
"""

from __future__ import annotations

from .mutants import EVALUATION, Mutant

FIRST = '8, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], name="conv1")'
SECOND = '[3, 3], pads=[1, 1, 1, 1], name=f"{name}.conv2")'
POOL = 'x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], name="pool1"'
GATE = 'op.Mul(x, gate, name=f"{name}.multiply")'
NODES = (
    Mutant(
        "another padding", "residual", FIRST, FIRST.replace("1, 1, 1, 1", "0, 0, 2, 2"), "conv1"
    ),
    Mutant(
        *("epsilon 1e-3", "residual", 'batch_norm(x, name="bn1")  # 8 x 16 x 16'),
        *('batch_norm(x, epsilon=1e-3, name="bn1")', "bn1"),
    ),
    Mutant(
        *("stride on the second convolution", "residual"),
        'strides=[stride, stride], pads=[1, 1, 1, 1], name=f"{name}.conv1")\n'
        '    x = batch_norm(x, name=f"{name}.bn1")\n'
        '    x = op.Relu(x, name=f"{name}.relu1")\n'
        f"    x = conv(x, channels, {SECOND}",
        'pads=[1, 1, 1, 1], name=f"{name}.conv1")\n'
        '    x = batch_norm(x, name=f"{name}.bn1")\n'
        '    x = op.Relu(x, name=f"{name}.relu1")\n'
        f"    x = conv(x, channels, {SECOND.replace('pads', 'strides=[stride, stride], pads')}",
        "layer2.0",
    ),
    Mutant(
        *("missing activation", "residual"),
        f'    x = op.Relu(x, name=f"{{name}}.relu1")\n    x = conv(x, channels, {SECOND}',
        *(f"    x = conv(x, channels, {SECOND}", "layer1.0"),
    ),
    Mutant(
        *("shortcut not projected from the pre-activation", "residual"),
        *("shortcut = conv(preactivation, 24, [", "shortcut = conv(x, 24, [", "layer3.0"),
    ),
    Mutant(
        *("identity tapped after the activation", "residual"),
        "shortcut = x\n    if x.shape[1] != 24",
        *("shortcut = preactivation\n    if x.shape[1] != 24", "layer3.1"),
    ),
    Mutant("another gate", "residual", "op.Sigmoid(gate", "op.HardSigmoid(gate", "gate"),
    Mutant("sum for a gate", "residual", GATE, GATE.replace("Mul", "Add"), "gate"),
    Mutant(
        "gelu by tanh",
        "branches",
        "op.Gelu(branch1, ",
        'op.Gelu(branch1, approximate="tanh", ',
        "first",
    ),
    Mutant("slope of Keras", "branches", "alpha=0.2", "alpha=0.3", "first"),
    Mutant(
        "groups of a norm", "branches", "group_norm(branch2, 2", "group_norm(branch2, 4", "first"
    ),
    Mutant(
        "padding that does not count",
        "branches",
        "count_include_pad=1",
        "count_include_pad=0",
        "first",
    ),
    Mutant(
        "swapped branches",
        "branches",
        "op.Concat(branch1, branch2",
        "op.Concat(branch2, branch1",
        "first",
    ),
    Mutant("order of groups", "branches", "shuffle(x, 4,", "shuffle(x, 22,", "shuffle"),
    Mutant("another slice", "branches", "[4], [40]", "[5], [41]", "slice"),
    Mutant(
        "epsilon of a layer norm",
        "branches",
        "(x, axis=1, name=",
        "(x, axis=1, epsilon=1e-3, name=",
        "layer_norm",
    ),
    Mutant(
        "one pool for two",
        "twins",
        'kernel_shape=[2, 2], strides=[2, 2], name="pool2"',
        'kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], name="pool2"',
        "pool2",
    ),
    Mutant("the slope of another", "twins", "alpha=0.3", "alpha=0.1", "leaky2"),
    Mutant(
        "a sum with its own ReLU", "twins", "op.Add(x, branch, ", "op.Add(branch, branch, ", "add"
    ),
    Mutant(
        "no shortcut at all",
        "twins",
        '    x = op.Add(x, shortcut, name=f"{name}.add")\n',
        "",
        "first",
    ),
    Mutant(
        *("a shortcut that is made and not called", "twins"),
        *(
            'shortcut = batch_norm(shortcut, name=f"{name}.shortcut.1")',
            'batch_norm(shortcut, name=f"{name}.shortcut.1")',
            "second",
        ),
    ),
    Mutant(
        "a name without a value",
        "twins",
        "linear(x, classes,",
        "linear(x, classed,",
        "",
        EVALUATION,
        "NameError: name 'classed' is not defined",
    ),
    Mutant(
        "text that escapes",
        "twins",
        "import onnx\n",
        "'\\N x'\nimport onnx\n",
        "",
        EVALUATION,
        "SyntaxError",
    ),
    Mutant("another pool", "unseen", "op.GlobalAveragePool(", "op.GlobalMaxPool(", "avgpool"),
)
