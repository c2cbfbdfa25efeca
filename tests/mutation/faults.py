"""Faults that emitters have had, or may well get, put back into what they emit.

The right layer with the wrong partner's numbers, code that does not run, a shortcut left out, and
dropout and stochastic depth that draw something else.
"""

from __future__ import annotations

from .mutants import DRAWN, EVALUATION, FACTORS, GRADIENTS, Mutant, keras, torch

CALL = "return Drops(num_classes)"
ONES = "torch.ones_like(x[:, :1, :1, :1])"
DRAW = f"F.dropout({ONES}, self.rate, self.training)"
NOISE = "noise_shape=(None, 1, 1, 1), "
BRANCH = "x = self.drop_path(self.bn(self.conv(x)))\n        return self.relu(x + shortcut)"
UNSCALED = (
    'type("Dropout", (layers.Dropout,), {"call": lambda self, x, training=False: '
    "layers.Dropout.call(self, x, training=training) * (1 - self.rate if training else 1.0)})"
)

# Several layers of one kind in one scope, each with numbers of its own.
SHARED = (
    torch("one pool for two", "twins", "self.pool2(x)", "self.pool1(x)", "leaky1"),
    torch("one slope for two", "twins", "self.leaky2(", "self.leaky1(", "depthwise2"),
    torch("the slope of another", "twins", "LeakyReLU(0.3", "LeakyReLU(0.1", "leaky2"),
    torch("in place before a sum", "twins", "nn.ReLU()", "nn.ReLU(inplace=True)", "narrow"),
    torch("a depthwise kernel of one group", "twins", "8, 16, 3, padding=1, groups=8",
          "8, 16, 3, padding=1", "", EVALUATION, "depthwise2.weight"),
    keras("one pool for two", "twins", "MaxPooling2D(2,", "MaxPooling2D(3, 2, 'same',", "pool2"),
    keras("the slope of another", "twins", "negative_slope=0.3", "negative_slope=0.1", "leaky2"),
    keras("one multiplier for two", "twins", "depth_multiplier=multiplier", "depth_multiplier=2",
          "", EVALUATION, "depthwise1"),
    keras("a sum with its own ReLU", "twins", "([x, branch])", "([branch, branch])", "add"),
)  # fmt: skip

# What is not there: a shortcut, a branch, a sum, a gradient.
MISSING = (
    torch("no shortcut where the shape changes", "twins", "if channels != 1:", "if False:",
          "", EVALUATION, "second.shortcut.0.weight"),
    torch("a shortcut that is made and not called", "twins", "shortcut = self.shortcut(x)",
          "shortcut = x", "second.relu"),
    torch("a shortcut without its gradient", "twins", "shortcut = self.shortcut(x)",
          "shortcut = self.shortcut(x).detach()", "second.shortcut.1.bias", GRADIENTS),
    torch("no shortcut at all", "twins", "self.relu(x + shortcut)", "self.relu(x)", "first.relu"),
    torch("a branch without layers that is added", "twins", "x = self.conv2(x)",
          "x = self.conv2(x) + x", "pool2"),
    keras("no shortcut where the shape changes", "twins", "if x.shape[-1] != channels:",
          "if False:", "", EVALUATION, "second_shortcut_0"),
    keras("a branch without layers that is added", "twins", 'x = conv(x, 8, 3, name="conv2")',
          'x = layers.Add(name="sum")([x, conv(x, 8, 3, name="conv2")])', "pool2"),
)  # fmt: skip

# What does not run, or gives something else than an output.
BROKEN = (
    torch("a name without a value", "twins", "nn.Linear(8, num_classes)", "nn.Linear(8, classes)",
          "", EVALUATION, "NameError: name 'classes' is not defined (line"),
    torch("text that escapes", "twins", "from torch import", "'\\N x'\nfrom torch import",
          "", EVALUATION, "SyntaxError"),
    torch("a condition without a body", "drops", CALL, f"if num_classes:\n    {CALL}",
          "", EVALUATION, "IndentationError"),
    torch("an output of another shape", "twins", "return self.fc(x)",
          "return self.fc(x)[:, :, None]", "", EVALUATION, "output 0 is 2 x 10 x 1, not 2 x 10"),
    torch("two outputs", "twins", "return self.fc(x)", "return self.fc(x), x",
          "", EVALUATION, "output 1 should not be there"),
    torch("no output", "twins", "return self.fc(x)", "self.fc(x)", "", EVALUATION, "torch failed"),
    torch("an end of the process", "twins", "return Twins(num_classes)",
          "__import__('os')._exit(3)", "", EVALUATION, "exit code 3"),
    keras("a name without a value", "twins", "depth_multiplier=multiplier",
          "depth_multiplier=factor", "", EVALUATION, "NameError: name 'factor' is not defined"),
    keras("a pair compared with a number", "drops", "if stride > 1", "if (stride, 1) > 1",
          "", EVALUATION, "TypeError"),
    keras("a number that is called", "twins", 'x = widened(x, 1,',
          'widened = 3\n    x = widened(x, 1,', "", EVALUATION, "TypeError"),
    keras("maps with their channels first", "twins", "layers.GlobalAveragePooling2D(",
          'layers.GlobalAveragePooling2D(data_format="channels_first", ', "", EVALUATION, "(8, 10)"),
)  # fmt: skip

# Rates, masks, and where they are applied.
DROPS = (
    torch("half the rate", "drops", "nn.Dropout(0.5)", "nn.Dropout(0.25)", "dropout", DRAWN),
    torch("the rate of another", "drops", "StochasticDepth(rate)", "StochasticDepth(0.1)",
          "second.drop_path", DRAWN),
    torch("a rate that is ignored", "drops", "self.rate, self.training", "0.0, self.training",
          "first.drop_path", DRAWN),
    torch("a mask for each value", "drops", ONES, "torch.ones_like(x)", "first.drop_path", DRAWN),
    torch("a mask for each column", "drops", ONES, "torch.ones_like(x[:, :1, :1])",
          "first.drop_path", DRAWN),
    torch("a mask for the batch", "drops", ONES, "torch.ones_like(x[:1, :1, :1, :1])",
          "first.drop_path", DRAWN),
    torch("a mask for each sample of a dropout", "drops", "nn.Dropout(0.5)",
          "type('Dropout', (nn.Dropout,), {'forward': lambda self, x: "
          "x * nn.Dropout.forward(self, torch.ones_like(x[:, :1]))})(0.5)", "dropout", DRAWN),
    torch("no scale", "drops", DRAW, f"({DRAW} > 0)", "first.drop_path", DRAWN),
    torch("a scale in evaluation", "drops", DRAW, f"{DRAW} * (1 - self.rate)", "first.drop_path"),
    torch("drops in evaluation", "drops", "self.rate, self.training", "self.rate, True",
          "first.drop_path"),
    torch("no drop", "drops", "self.drop_path(self.bn(self.conv(x)))", "self.bn(self.conv(x))",
          "first.relu", FACTORS),
    torch("a drop behind the sum", "drops", BRANCH,
          "x = self.bn(self.conv(x))\n        return self.relu(self.drop_path(x + shortcut))",
          "first.drop_path", FACTORS),
    keras("half the rate", "drops", "Dropout(0.5", "Dropout(0.25", "dropout", DRAWN),
    keras("the rate of another", "drops", "Dropout(rate", "Dropout(0.1", "second.drop_path", DRAWN),
    keras("a rate that is ignored", "drops", "layers.Dropout(0.5, ",
          f"{UNSCALED.replace('self, x, training=training', 'self, x, training=False')}(0.5, ",
          "dropout", DRAWN),
    keras("a mask for each value", "drops", NOISE, "", "first.drop_path", DRAWN),
    keras("a mask for each column", "drops", NOISE, "noise_shape=(None, 1, None, 1), ",
          "first.drop_path", DRAWN),
    keras("a mask for the batch", "drops", NOISE, "noise_shape=(1, 1, 1, 1), ",
          "first.drop_path", DRAWN),
    keras("no scale", "drops", "layers.Dropout(0.5, ", f"{UNSCALED}(0.5, ", "dropout", DRAWN),
    keras("no drop", "drops", 'x = layers.Dropout(0.5, name="dropout")(x)', "pass", "fc", FACTORS),
    keras("a drop behind the sum", "drops",
          '_drop_path")(x)\n    x = layers.Add(name=f"{name}_add")([x, shortcut])',
          '_drop_path")(layers.Add(name=f"{name}_add")([x, shortcut]))', "first.drop_path", FACTORS),
)  # fmt: skip

FAULTS: tuple[Mutant, ...] = SHARED + MISSING + BROKEN + DROPS
