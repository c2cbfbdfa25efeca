"""The file that makes of images what published weights were measured on.

What is done is data; a backend has a template of it in its own words. Everywhere the order is that
of torchvision: resize, round to whole values as images of 8 bits have, crop, scale, normalise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..prose import quoted, wrap
from ..record import record
from .summary import GENERATED, WIDTH
from .template import environment, tidy


@record
class Preparation:
    """What becomes of an image: resized by its shorter side, cropped in the middle, normalised.

    `mean` and `std` have a number for each channel, or one for all; pixels are from 0 to 1.
    """

    resize: int | None
    crop: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    antialias: bool

    def record(self) -> dict[str, Any]:
        """The same as data, for programs."""
        return {
            "resize": self.resize,
            "crop": self.crop,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
            "antialias": self.antialias,
        }

    @property
    def sentence(self) -> str:
        """What is done, in words."""
        if self.resize is None:
            return "Images are normalised, and neither resized nor cropped."
        filtered = ", antialiased" if self.antialias else ""
        steps = [
            f"resized to {self.resize} pixels on the shorter side ({self.interpolation}{filtered})",
            "rounded to whole values",
        ]
        if self.crop is not None:
            steps.append(f"cropped to {self.crop} x {self.crop} in the middle")
        return f"Images are {', '.join(steps)}, and normalised."


@record
class PreprocessingRequest:
    """What is done to images of so many `channels`, and what the file says that it is for."""

    preparation: Preparation
    channels: int
    network: str
    title: str
    weights: str
    spec: str
    version: str
    about: str = ""

    def docstring(self, promise: str) -> str:
        """The docstring without the quotes around it; `promise` tells how exact the file is."""
        head = f"What images become before {self.title} with its weights {self.weights}."
        origin = f"{GENERATED} {self.version} from {self.spec}; edit the spec, not this file."
        about = f"{self.about.rstrip('.')}." if self.about else ""
        words = " ".join(filter(None, (self.preparation.sentence, promise)))
        texts = [(head, WIDTH - 3), (origin, WIDTH), (words, WIDTH), (about, WIDTH)]
        return "\n\n".join(
            "\n".join(wrap(text, width, write=quoted)) for text, width in texts if text
        )


def preprocessing(request: PreprocessingRequest, templates: Path, promise: str) -> str:
    """The file, by the template `preprocessing.py.j2` of a backend."""
    plan = request.preparation
    source = (
        environment(templates)
        .get_template("preprocessing.py.j2")
        .render(
            docstring=request.docstring(promise),
            channels=request.channels,
            resize=plan.resize,
            crop=plan.crop,
            mean=_literal(plan.mean),
            std=_literal(plan.std),
            interpolation=plan.interpolation,
            antialias=plan.antialias,
            overshoots=plan.interpolation == "bicubic",
        )
    )
    return tidy(source)


def _literal(values: tuple[float, ...]) -> str:
    """A number where one is for all channels, a tuple otherwise."""
    return repr(values[0]) if len(set(values)) == 1 else repr(values)
