"""Emitters broken on purpose, one way at a time: what verification must see, and where."""

from __future__ import annotations

from dataclasses import dataclass

EVALUATION = "outputs, evaluation"
RUNNING = "running statistics, n/(n-1)"
GRADIENTS = "gradients, parameters"
INITIAL = "initial weights (standard errors)"
FACTORS = "outputs, factors for drops"
DRAWN = "what is dropped (standard errors)"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in what is emitted for `spec`, wherever it stands.

    Several mutants with the same `what` are one fault in the words of several targets.
    `check` is the first that must fail, `layer` where it must be located: a layer, a tensor, or a
    block where the layer cannot be observed. What does not run has no such place: what the finding
    `says` tells it, be it a line of the source or the name of a weight.
    """

    what: str
    spec: str
    old: str
    new: str
    layer: str
    check: str = EVALUATION
    says: str = ""


SCALING = 'keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")'
MUTANTS = (
    # -- Keras: what its defaults and names suggest, and what a careless emitter writes ----------
    Mutant(
        "`same` at stride 2", "residual", "if stride > 1 and kernel_size > 1:", "if False:", "conv1"
    ),
    Mutant("epsilon 1e-3", "residual", "BN_EPSILON = 1e-5", "BN_EPSILON = 1e-3", "bn1"),
    Mutant(
        "momentum not inverted",
        "residual",
        "BN_MOMENTUM = 0.9",
        "BN_MOMENTUM = 0.1",
        "bn1.running_mean",
        RUNNING,
    ),
    Mutant("biased variance", "pools", "(n / (n - 1))", "1.0", "bn1.running_var", RUNNING),
    Mutant("fan-in", "residual", '"fan_out"', '"fan_in"', "conv1.weight", INITIAL),
    Mutant(
        "truncated normal",
        "residual",
        "untruncated_normal",
        "truncated_normal",
        "tails of all normal weights",
        INITIAL,
    ),
    Mutant(
        "Keras' fans of a depthwise kernel",
        "branches",
        '2.0 / 2, "fan_in"',
        '2.0, "fan_out"',
        "first.depthwise.weight",
        INITIAL,
    ),
    Mutant(
        "one initialiser for all",
        "residual",
        f"kernel_initializer={SCALING}",
        f"kernel_initializer=globals().setdefault('SHARED', {SCALING})",
        "layer1.0.conv2.weight",
        INITIAL,
    ),
    Mutant(
        "uniform of another width",
        "residual",
        '1 / 3, "fan_in", "uniform"',
        '2.0, "fan_in", "uniform"',
        "fc.weight",
        INITIAL,
    ),
    Mutant(
        "shortcut not projected from the pre-activation",
        "residual",
        "conv(preactivation, 24, 1",
        "conv(x, 24, 1",
        "layer3.0.downsample.0",
    ),
    Mutant(
        "identity tapped after the activation",
        "residual",
        "shortcut = x\n    if x.shape[-1] != 24",
        "shortcut = preactivation\n    if x.shape[-1] != 24",
        "layer3.1.add",
    ),
    Mutant(
        "missing activation",
        "residual",
        'layers.ReLU(name=f"{name}_relu1")(x)\n    x = conv',
        'layers.Activation("linear", name=f"{name}_relu1")(x)\n    x = conv',
        "layer1.0.relu1",
    ),
    Mutant(
        "stride on the second convolution",
        "residual",
        'x = conv(x, channels, 3, stride=stride, name=f"{name}_conv1")\n'
        '    x = batch_norm(x, name=f"{name}_bn1")\n'
        '    x = layers.ReLU(name=f"{name}_relu1")(x)\n'
        '    x = conv(x, channels, 3, name=f"{name}_conv2")',
        'x = conv(x, channels, 3, name=f"{name}_conv1")\n'
        '    x = batch_norm(x, name=f"{name}_bn1")\n'
        '    x = layers.ReLU(name=f"{name}_relu1")(x)\n'
        '    x = conv(x, channels, 3, stride=stride, name=f"{name}_conv2")',
        "layer2.0.conv1",
    ),
    Mutant("mean for sum", "residual", "layers.Add(", "layers.Average(", "layer1.0.add"),
    Mutant("another gate", "residual", '"sigmoid"', '"hard_sigmoid"', "gate.sigmoid"),
    Mutant("sum for a gate", "residual", "layers.Multiply(", "layers.Add(", "gate.multiply"),
    Mutant(
        "ReLU before the addition",
        "residual",
        'layers.Add(name=f"{name}_add")([x, shortcut])\n    return layers.ReLU',
        'layers.Add(name=f"{name}_add")([layers.ReLU()(x), shortcut])\n    return layers.ReLU',
        "layer1.0.add",
    ),
    Mutant(
        "zeros around a max-pool",
        "branches",
        'constant_values=float("-inf")',
        "constant_values=0.0",
        "pool",
    ),
    Mutant(
        "gelu by tanh",
        "branches",
        'layers.Activation("gelu"',
        "layers.Activation(lambda v: keras.activations.gelu(v, approximate=True)",
        "first.gelu",
    ),
    Mutant(
        "slope of Keras", "branches", "negative_slope=0.2", "negative_slope=0.3", "first.leaky_relu"
    ),
    Mutant(
        "rows of a flatten",
        "branches",
        'layers.Flatten(name="flatten")(x)',
        'layers.Flatten(name="flatten")(layers.Permute((3, 1, 2))(x))',
        "fc",
    ),
    Mutant(
        "padding that does not count",
        "branches",
        'branch3 = layers.ZeroPadding2D(1, name=f"{name}_mean_pad")(x)\n'
        '    branch3 = layers.AveragePooling2D(3, 1, name=f"{name}_mean")(branch3)',
        'branch3 = layers.AveragePooling2D(3, 1, "same", name=f"{name}_mean")(x)',
        "first.mean",
    ),
    Mutant(
        "order of groups",
        "branches",
        "(height, width, groups, channels // groups)",
        "(height, width, channels // groups, groups)",
        "shuffle",
    ),
    Mutant(
        "groups of a norm",
        "branches",
        "GroupNormalization(2",
        "GroupNormalization(4",
        "first.group_norm",
    ),
    Mutant(
        "swapped branches",
        "branches",
        "[branch1, branch2, branch3]",
        "[branch2, branch1, branch3]",
        "first.joined",
    ),
    Mutant("another slice", "branches", "x[..., 4:40]", "x[..., 5:41]", "layer_norm"),
    Mutant(
        "epsilon of a layer norm",
        "branches",
        "LayerNormalization(epsilon=1e-5",
        "LayerNormalization(epsilon=1e-3",
        "layer_norm",
    ),
    Mutant("no dilation", "branches", "dilation_rate=2", "dilation_rate=1", "first.depthwise"),
    Mutant("no interpolation", "pools", ', interpolation="bilinear"', "", "grow"),
    Mutant(
        "floor for ceil",
        "pools",
        "rows, columns = ((pool_size - extent) % stride",
        "rows, columns = (0 * extent",
        "grow",
    ),
    Mutant(
        "pixels beyond the edge that count", "pools", "return total / share", "return total", "grow"
    ),
    # -- PyTorch ---------------------------------------------------------------------------------
    Mutant(
        "another padding",
        "residual",
        "nn.Conv2d(in_channels, 8, 3, stride=2, padding=1, bias=False)",
        'nn.Conv2d(in_channels, 8, 3, stride=2, padding=1, bias=False, padding_mode="replicate")',
        "conv1",
    ),
    Mutant(
        "epsilon 1e-3",
        "residual",
        "nn.BatchNorm2d(channels)",
        "nn.BatchNorm2d(channels, eps=1e-3)",
        "layer1.0.bn1",
    ),
    Mutant(
        "momentum of the old",
        "residual",
        "nn.BatchNorm2d(8)",
        "nn.BatchNorm2d(8, momentum=0.9)",
        "bn1.running_mean",
        RUNNING,
    ),
    Mutant("fan-in", "residual", 'mode="fan_out"', 'mode="fan_in"', "conv1.weight", INITIAL),
    Mutant(
        "activation before the addition",
        "residual",
        "x += shortcut\n        return self.relu(x)",
        "return self.relu(x) + shortcut",
        "layer1.0",
    ),
    Mutant(
        "identity tapped after the activation",
        "residual",
        "self.downsample(preactivation) if self.projects else x",
        "self.downsample(preactivation)",
        "layer3.1",
    ),
    Mutant(
        "a gate without a gradient",
        "residual",
        "return x * gate",
        "return x * gate.detach()",
        "gate.fc2.bias",
        GRADIENTS,
    ),
    Mutant(
        "padding that does not count",
        "branches",
        "nn.AvgPool2d(3, stride=1, padding=1)",
        "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
        "first.mean",
    ),
    Mutant("gelu by tanh", "branches", "nn.GELU()", 'nn.GELU(approximate="tanh")', "first.gelu"),
    Mutant(
        "order of groups", "branches", "nn.ChannelShuffle(4)", "nn.ChannelShuffle(22)", "shuffle"
    ),
    Mutant(
        "swapped branches",
        "branches",
        "torch.cat([branch1, branch2, branch3], 1)",
        "torch.cat([branch2, branch1, branch3], 1)",
        "first",
    ),
    Mutant("rows of a flatten", "branches", ".flatten(1)", ".permute(0, 2, 3, 1).flatten(1)", "fc"),
    Mutant("floor for ceil", "pools", "ceil_mode=True", "ceil_mode=False", "shrink"),
    Mutant(
        *("corners aligned", "pools", 'scale_factor=2, mode="bilinear"'),
        *('scale_factor=2, mode="bilinear", align_corners=True', "grow"),
    ),
)
