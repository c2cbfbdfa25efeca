"""Dropout and stochastic depth broken on purpose: rates, masks, scales, and where they stand."""

from __future__ import annotations

from .mutants import DRAWN, FACTORS, Mutant

ONES = "x.new_ones([x.shape[0], 1, 1, 1])"
DRAW = f"F.dropout({ONES}, self.rate)"
STILL = "if not self.training or self.rate == 0.0:"
NOISE = "noise_shape=(None, 1, 1, 1), "
BRANCH = "x = self.drop_path(self.bn(self.conv(x)))\n        x += shortcut\n"
UNSCALED = (
    'type("Dropout", (layers.Dropout,), {"call": lambda self, x, training=False: '
    "layers.Dropout.call(self, x, training=training) * (1 - self.rate if training else 1.0)})"
)
DROPS = (
    Mutant("half the rate", "drops", "nn.Dropout(0.5)", "nn.Dropout(0.25)", "dropout", DRAWN),
    Mutant(
        "the rate of another",
        "drops",
        "StochasticDepth(rate)",
        "StochasticDepth(0.1)",
        "second.drop_path",
        DRAWN,
    ),
    Mutant(
        "a rate that is ignored",
        "drops",
        DRAW,
        f"F.dropout({ONES}, 0.0)",
        "first.drop_path",
        DRAWN,
    ),
    Mutant("a mask for each value", "drops", ONES, "x.new_ones(x.shape)", "first.drop_path", DRAWN),
    Mutant(
        "a mask for each column",
        "drops",
        ONES,
        "x.new_ones([x.shape[0], 1, 1, x.shape[3]])",
        "first.drop_path",
        DRAWN,
    ),
    Mutant(
        "a mask for the batch",
        "drops",
        ONES,
        "x.new_ones([1, 1, 1, 1])",
        "first.drop_path",
        DRAWN,
    ),
    Mutant(
        "a mask for each sample of a dropout",
        "drops",
        "nn.Dropout(0.5)",
        "type('Dropout', (nn.Dropout,), {'forward': lambda self, x: "
        "x * nn.Dropout.forward(self, x.new_ones([x.shape[0], 1]))})(0.5)",
        "dropout",
        DRAWN,
    ),
    Mutant("no scale", "drops", DRAW, f"({DRAW} > 0)", "first.drop_path", DRAWN),
    Mutant(
        "a scale in evaluation",
        "drops",
        f"{STILL}\n            return x",
        f"{STILL}\n            return x * (1 - self.rate)",
        "first.drop_path",
    ),
    Mutant(
        "drops in evaluation",
        "drops",
        STILL,
        "if self.rate == 0.0:",
        "first.drop_path",
    ),
    Mutant(
        "no drop",
        "drops",
        "self.drop_path(self.bn(self.conv(x)))",
        "self.bn(self.conv(x))",
        "first.relu",
        FACTORS,
    ),
    Mutant(
        "a drop behind the sum",
        "drops",
        BRANCH,
        "x = self.bn(self.conv(x))\n        x = self.drop_path(x + shortcut)\n",
        "first.drop_path",
        FACTORS,
    ),
    Mutant("half the rate", "drops", "Dropout(0.5", "Dropout(0.25", "dropout", DRAWN),
    Mutant(
        "the rate of another", "drops", "Dropout(rate", "Dropout(0.1", "second.drop_path", DRAWN
    ),
    Mutant(
        "a rate that is ignored",
        "drops",
        "layers.Dropout(0.5, ",
        f"{UNSCALED.replace('self, x, training=training', 'self, x, training=False')}(0.5, ",
        "dropout",
        DRAWN,
    ),
    Mutant("a mask for each value", "drops", NOISE, "", "first.drop_path", DRAWN),
    Mutant(
        "a mask for each column",
        "drops",
        NOISE,
        "noise_shape=(None, 1, None, 1), ",
        "first.drop_path",
        DRAWN,
    ),
    Mutant(
        "a mask for the batch",
        "drops",
        NOISE,
        "noise_shape=(1, 1, 1, 1), ",
        "first.drop_path",
        DRAWN,
    ),
    Mutant("no scale", "drops", "layers.Dropout(0.5, ", f"{UNSCALED}(0.5, ", "dropout", DRAWN),
    Mutant("no drop", "drops", 'x = layers.Dropout(0.5, name="dropout")(x)', "pass", "fc", FACTORS),
    Mutant(
        "a drop behind the sum",
        "drops",
        '_drop_path")(x)\n    x = layers.Add(name=f"{name}_add")([x, shortcut])',
        '_drop_path")(layers.Add(name=f"{name}_add")([x, shortcut]))',
        "first.drop_path",
        FACTORS,
    ),
)
