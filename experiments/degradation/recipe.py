"""What is trained, and how long: the paper's recipe, and the scales for smaller machines."""

from __future__ import annotations

import re
from dataclasses import dataclass

DROPS = (0.5, 0.75)  # where the rate is divided by ten: after 32k and 48k iterations of 64k
CIFAR = "_cifar"  # what the names of the networks' specs end in
FOUR = ("plain20", "plain56", "resnet20", "resnet56")  # the study, if no others are named
WARM_UP = 110  # layers from which on a network is warmed up


@dataclass(frozen=True)
class Recipe:
    """SGD as in section 4.2 of the paper."""

    rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warm_up_rate: float = 0.01
    warm_up_error: float = 0.8  # of the training images: below it the warm-up is over


PAPER = Recipe()


@dataclass(frozen=True)
class Scale:
    """How much of the paper's experiment is done: what is less than `full` shows less."""

    name: str
    pixels: int  # height and width; CIFAR's 32 are averaged over squares
    training: int  # images
    test: int
    iterations: int
    every: int  # iterations from one evaluation to the next
    measured: int  # training images that are evaluated: the first so many
    batch: int = 128

    @property
    def drops(self) -> tuple[int, ...]:
        """The iterations before which the rate is divided by ten."""
        return tuple(int(part * self.iterations) for part in DROPS)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.training:,} training images of {self.pixels} x {self.pixels}, "
            f"{self.iterations:,} iterations of {self.batch}"
        )


SCALES = {
    scale.name: scale
    for scale in (
        Scale("full", 32, 50_000, 10_000, 64_000, every=400, measured=10_000),
        Scale("small", 16, 5_000, 2_000, 640, every=40, measured=2_000),
        Scale("smallest", 16, 2_000, 1_000, 160, every=20, measured=1_000),
        Scale("trial", 8, 200, 100, 8, every=2, measured=100, batch=32),
    )
}


def warms_up(network: str) -> bool:
    """Whether a network starts at a low rate, as the paper's of 110 layers did."""
    found = re.search(r"\d+", network)
    return found is not None and int(found[0]) >= WARM_UP


def rate(recipe: Recipe, scale: Scale, iteration: int, cold: bool) -> float:
    """The rate of an iteration; `cold` is a network whose warm-up is not over."""
    if cold:
        return recipe.warm_up_rate
    drops = sum(drop <= iteration for drop in scale.drops)
    return recipe.rate / 10.0**drops
