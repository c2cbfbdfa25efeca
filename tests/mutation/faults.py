"""Faults that emitters have had, or may well get, put back into what they emit.

The numbers of another layer of the kind, a shortcut left out, and code that does not run.
"""

from __future__ import annotations

from .mutants import EVALUATION, GRADIENTS, Mutant

CALL = "return Drops(num_classes, in_channels)"

# Several layers of one kind in one scope, each with numbers of its own.
SHARED = (
    Mutant("one pool for two", "twins", "self.pool2(x)", "self.pool1(x)", "leaky1"),
    Mutant("one slope for two", "twins", "self.leaky2(", "self.leaky1(", "depthwise2"),
    Mutant("the slope of another", "twins", "LeakyReLU(0.3", "LeakyReLU(0.1", "leaky2"),
    Mutant("in place before a sum", "twins", "nn.ReLU()", "nn.ReLU(inplace=True)", "narrow"),
    Mutant(
        "a depthwise kernel of one group",
        "twins",
        "8, 16, 3, padding=1, groups=8",
        "8, 16, 3, padding=1",
        "",
        EVALUATION,
        "depthwise2.weight",
    ),
    Mutant("one pool for two", "twins", "MaxPooling2D(2,", "MaxPooling2D(3, 2, 'same',", "pool2"),
    Mutant("the slope of another", "twins", "negative_slope=0.3", "negative_slope=0.1", "leaky2"),
    Mutant(
        "one multiplier for two",
        "twins",
        "depth_multiplier=multiplier",
        "depth_multiplier=2",
        "",
        EVALUATION,
        "depthwise1",
    ),
    Mutant("a sum with its own ReLU", "twins", "([x, branch])", "([branch, branch])", "add"),
)

# What is not there: a shortcut, a branch, a sum, a gradient.
MISSING = (
    Mutant(
        "no shortcut where the shape changes",
        "twins",
        "if channels != 1:",
        "if False:",
        "",
        EVALUATION,
        "second",
    ),
    Mutant(
        "a shortcut that is made and not called",
        "twins",
        "shortcut = self.shortcut(x)",
        "shortcut = x",
        "second.relu",
    ),
    Mutant(
        "a shortcut without its gradient",
        "twins",
        "shortcut = self.shortcut(x)",
        "shortcut = self.shortcut(x).detach()",
        "second.shortcut.1.bias",
        GRADIENTS,
    ),
    Mutant("no shortcut at all", "twins", "        x += shortcut\n", "", "first.relu"),
    Mutant(
        "a branch without layers that is added",
        "twins",
        "x = self.conv2(x)",
        "x = self.conv2(x) + x",
        "pool2",
    ),
    Mutant(
        "no shortcut where the shape changes",
        "twins",
        "if x.shape[-1] != channels:",
        "if False:",
        "",
        EVALUATION,
        "second.shortcut.0",
    ),
    Mutant(
        "a branch without layers that is added",
        "twins",
        'x = conv(x, 8, 3, name="conv2")',
        'x = layers.Add(name="sum")([x, conv(x, 8, 3, name="conv2")])',
        "pool2",
    ),
)

# What does not run, or gives something else than an output.
BROKEN = (
    Mutant(
        "a name without a value",
        "twins",
        "nn.Linear(8, num_classes)",
        "nn.Linear(8, classes)",
        "",
        EVALUATION,
        "NameError: name 'classes' is not defined (line",
    ),
    Mutant(
        "a step that hides a module",
        "branches",
        "torch.cat([branch1, branch2, branch3], 1)",
        "(lambda torch: torch.cat([branch1, branch2, branch3], 1))(x)",
        "",
        EVALUATION,
        "AttributeError: 'Tensor' object has no attribute 'cat'",
    ),
    Mutant(
        "text that escapes",
        "twins",
        "from torch import",
        "'\\N x'\nfrom torch import",
        "",
        EVALUATION,
        "SyntaxError",
    ),
    Mutant(
        "a condition without a body",
        "drops",
        CALL,
        f"if num_classes:\n    {CALL}",
        "",
        EVALUATION,
        "IndentationError",
    ),
    Mutant(
        "an output of another shape",
        "twins",
        "return self.fc(x)",
        "return self.fc(x)[:, :, None]",
        "",
        EVALUATION,
        "not 2 x 10",
    ),
    Mutant(
        "two outputs",
        "twins",
        "return self.fc(x)",
        "return self.fc(x), x",
        "",
        EVALUATION,
        "output 1 should not be there",
    ),
    Mutant("no output", "twins", "return self.fc(x)", "self.fc(x)", "", EVALUATION, " failed"),
    Mutant(
        "an end of the process",
        "twins",
        "return Twins(num_classes, in_channels)",
        "__import__('os')._exit(3)",
        "",
        EVALUATION,
        "exit code 3",
    ),
    Mutant(
        "a name without a value",
        "twins",
        "depth_multiplier=multiplier",
        "depth_multiplier=factor",
        "",
        EVALUATION,
        "NameError: name 'factor' is not defined",
    ),
    Mutant(
        "text that escapes",
        "twins",
        "import keras\n",
        "'\\N x'\nimport keras\n",
        "",
        EVALUATION,
        "SyntaxError",
    ),
    Mutant(
        "a pair compared with a number",
        "drops",
        "if stride > 1",
        "if (stride, 1) > 1",
        "",
        EVALUATION,
        "TypeError",
    ),
    Mutant(
        "a number that is called",
        "twins",
        "x = widened(x, 1,",
        "widened = 3\n    x = widened(x, 1,",
        "",
        EVALUATION,
        "TypeError",
    ),
    Mutant(
        "maps with their channels first",
        "twins",
        "layers.GlobalAveragePooling2D(",
        'layers.GlobalAveragePooling2D(data_format="channels_first", ',
        "",
        EVALUATION,
        "(8, 10)",
    ),
)

# What leaves nothing behind that could be observed.
UNSEEN = (
    Mutant("another pool", "unseen", "self.avgpool(x).flatten(1)", "x.amax((2, 3))", ""),
    Mutant(
        "another pool",
        "unseen",
        'layers.GlobalAveragePooling2D(name="avgpool")(inputs)',
        "keras.ops.max(inputs, (1, 2))",
        "",
    ),
)
FAULTS: tuple[Mutant, ...] = SHARED + MISSING + BROKEN + UNSEEN
