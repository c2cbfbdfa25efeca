"""The file that makes of images what published weights were measured on.

What is done is data; a backend has a template of it in its own words, which may extend images.py.j2
here. Everywhere the order is that
of torchvision: resize, round to whole values as images of 8 bits have, crop, scale, normalise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UnsupportedError
from ..prose import quoted, wrap
from ..record import record
from .layout import line_length
from .summary import GENERATED
from .template import environment, tidy

HERE = Path(__file__).parent
NUMPY = HERE / "numpy_images"  # the template for targets that have nothing for images


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
        texts = [
            (head, line_length() - 3),
            (origin, line_length()),
            (words, line_length()),
            (about, line_length()),
        ]
        return "\n\n".join(
            "\n".join(wrap(text, width, write=quoted)) for text, width in texts if text
        )


def preprocessing(
    request: PreprocessingRequest, templates: Path, promise: str, layout: str = "channels_first"
) -> str:
    """The file, by the template `preprocessing.py.j2` of a backend."""
    plan, last = request.preparation, layout == "channels_last"
    maps = (
        f"height x width x {request.channels}" if last else f"{request.channels} x height x width"
    )
    source = (
        environment(HERE, templates)
        .get_template("preprocessing.py.j2")
        .render(
            docstring=request.docstring(promise),
            channels=request.channels,
            maps=f"N x {maps}",
            axis=3 if last else 1,
            extents="1:3" if last else "2:",
            before=":" if last else ":, :",
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


def refuse_bicubic(title: str, request: PreprocessingRequest) -> None:
    """For targets whose bicubic is PyTorch's only where it is antialiased."""
    plan = request.preparation
    if plan.resize is not None and plan.interpolation == "bicubic" and not plan.antialias:
        reason = "preprocessing: bicubic without antialias is another than PyTorch's"
        raise UnsupportedError(title, request.network, [reason])


def _literal(values: tuple[float, ...]) -> str:
    """A number where one is for all channels, a tuple otherwise."""
    return repr(values[0]) if len(set(values)) == 1 else repr(values)
