"""Published weights: where a file of a network's weights is, and what belongs to it.

An entry is data like a claim: `rescompile weights` lists it, `rescompile convert` fetches it, and
the preprocessing is emitted for each framework.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, model_validator

from ..names import Name
from ..types import Bool, Rule, Text, as_text, shown, wrong
from .base import Model

MAX_RENAMES = 100
LOOPBACK = ("localhost", "127.0.0.1", "::1")  # where a server may be that somebody tries out
HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")  # resnet34-b627a593.pth, as torchvision has it
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\Z")
_HASH = re.compile(r"[0-9a-f]{8,64}\Z")
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9@._-]{0,59}\Z")
# What a metric is called that tables know, by what others call it.
TOP1, TOP1_ERROR = "acc@1", "error@1"
METRICS = {
    **dict.fromkeys(("acc", "acc1", "accuracy", "top1", "top-1", "top_1", "top@1"), TOP1),
    **dict.fromkeys(("acc5", "top5", "top-5", "top_5", "top@5"), "acc@5"),
    **dict.fromkeys(("err", "error", "err@1", "error1"), TOP1_ERROR),
}


def _url(value: object) -> str:
    text: str = as_text(value)
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port  # raises where it is no number
    except ValueError:
        host = None
    if not host or not re.fullmatch(r"[!-~]+", text):
        wrong(f"{shown(value)} is no address of a file", "write `https://HOST/FOLDER/FILE`")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        wrong(f"{shown(value)} is not fetched by https", "write an address of `https://`")
    if parts.username is not None or parts.fragment or parts.query:
        help = "leave out names, passwords, `?` and `#`: an address of a file is read by everybody"
        wrong(f"{shown(value)} is more than the address of a file", help)
    if not _FILE.match(file_of(text)):
        help = "an address ends in the name of a file: letters, digits, and `.`, `_`, `+`, `-`"
        wrong(f"{shown(value)} does not end in the name of a file", help)
    return text


def file_of(url: str) -> str:
    """The name of the file at an address."""
    return unquote(urlsplit(url).path).rpartition("/")[2]


def _hash(value: object) -> str:
    if isinstance(value, (int, float)):
        help = 'put its digits into quotes: `sha256: "01234567"`'
        wrong(f"expected digits of a hash, found {shown(value)}", help)
    if not isinstance(value, str) or not _HASH.match(value):
        help = "write its first 8 to 64 hexadecimal digits, in small letters"
        wrong(f"{shown(value)} is no SHA-256", help)
    return value


def _metric(value: object) -> str:
    if isinstance(value, str) and value.lower() in METRICS:
        wrong(f"unknown metric {shown(value)}", f"it is called `{METRICS[value.lower()]}` here")
    if not isinstance(value, str) or not _METRIC.match(value):
        help = "write `acc@1`, `acc@5`, `error@1`, or a name of letters, digits and `@._-`"
        wrong(f"{shown(value)} is no name of a metric", help)
    return value


def _number(value: object, low: float, high: float, wanted: str, help: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        wrong(f"expected {wanted}, found {shown(value)}", help)
    return value


def _figure(value: object) -> float:
    return _number(value, -1e9, 1e9, "a number", "write it as printed: `73.314`, percent without %")


def _mebibytes(value: object) -> float:
    help = "write the size in units of 1,048,576 bytes: `83.275`"
    return _number(value, 0, 1e6, "a size in MiB", help)


def _per_channel(low: float, wanted: str) -> Callable[[Any], tuple[float, ...]]:
    """A number for each channel; one alone stands for all."""
    help = "pixels are from 0 to 1: write one number, or a list of one for each channel"

    def check(value: Any) -> tuple[float, ...]:
        given = value if isinstance(value, list) and value else [value]
        return tuple(_number(one, low, 1000, wanted, help) for one in given)

    return check


def _numbers(**bound: float) -> dict[str, Any]:
    one = {"type": "number", **bound}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


Url = Annotated[str, Rule(_url, type="string", pattern="^https?://", maxLength=500)]
Hash = Annotated[str, Rule(_hash, type="string", pattern="^[0-9a-f]{8,64}$")]
Metric = Annotated[str, Rule(_metric, type="string", pattern=r"^[A-Za-z][A-Za-z0-9@._-]*$")]
Figure = Annotated[float, Rule(_figure, type="number")]
Mebibytes = Annotated[float, Rule(_mebibytes, type="number", minimum=0)]
Mean = Annotated[tuple[float, ...], Rule(_per_channel(-1000, "a number"), **_numbers())]
Spread = Annotated[
    tuple[float, ...], Rule(_per_channel(1e-6, "a number above 0"), **_numbers(exclusiveMinimum=0))
]
Pixels = Annotated[int, Field(strict=True, ge=1, le=16384)]


class Preprocessing(Model):
    """What becomes of an image before the network sees it: resized, cropped, normalised.

    Pixels are red, green, blue, whole numbers from 0 to 255 until they are resized, and again when
    they are; from 0 to 1 when `mean` is subtracted and `std` divides.
    """

    resize: Pixels | None = Field(
        None, description="The shorter side of the resized image, in pixels."
    )
    crop: Pixels | None = Field(
        None, description="The side of the square cut out of the middle of the resized image."
    )
    mean: Mean = Field(description="What is subtracted, for each channel or for all.")
    std: Spread = Field(description="What then divides, for each channel or for all.")
    interpolation: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="Between which pixels, when the image is resized."
    )
    antialias: Bool = Field(
        True, description="Whether an image that gets smaller is low-pass filtered."
    )

    @model_validator(mode="after")
    def _crop_fits(self) -> Preprocessing:
        if self.crop is not None and self.resize is None:
            help = f"add `resize: {self.crop}`, or more: no image may be smaller than its crop"
            wrong("a `crop` is cut out of a resized image", help, "crop")
        if self.crop is not None and self.resize is not None and self.crop > self.resize:
            message = f"a crop of {self.crop} pixels is larger than the image's {self.resize}"
            wrong(message, f"write {self.resize} or less, or resize to more", "crop")
        if 1 != len(self.mean) != len(self.std) != 1:
            message = f"`mean` is of {len(self.mean)} channels, and `std` of {len(self.std)}"
            wrong(message, "write as many numbers for both, or one for all channels", "std")
        return self

    @classmethod
    def example(cls, value: object) -> str:
        return "write `{resize: 256, crop: 224, mean: 0.5, std: 0.5}`, say"


class Checkpoint(Model):
    """A file of trained weights, and what belongs to it."""

    name: Name = Field(description="What the entry is called: `IMAGENET1K_V1`.")
    url: Url = Field(description="Where the file is.")
    sha256: Hash | None = Field(
        None,
        description="The SHA-256 of the file, or its first digits, 8 or more. Not needed where "
        "the file's name has them, as in `resnet34-b627a593.pth`.",
    )
    mib: Mebibytes | None = Field(None, description="Its size in MiB (1,048,576 bytes).")
    format: Text = Field(
        "", description="The suffix for what the file is, `.pth` say, where its name has another."
    )
    rename: dict[Text, Text] = Field(
        default_factory=dict,
        description="What the file calls tensors, or the beginnings of names, and what the spec "
        'calls them, in this order: `{module.: ""}`.',
    )
    skip: list[Text] = Field(
        default_factory=list,
        description="What the file holds and the network does not have: names of tensors, or of "
        "what they belong to, such as `AuxLogits`.",
    )
    preprocessing: Preprocessing | None = Field(
        None, description="What the network was given when its metrics were measured."
    )
    metrics: dict[Metric, Figure] = Field(
        default_factory=dict,
        description="Figures as printed, in percent: `acc@1`, `acc@5`, `error@1`, or others.",
    )
    where: Text = Field("", description="Where the metrics are printed.")
    recipe: Text = Field("", description="Where it is told how the weights were made.")
    license: Text = Field("", description="Its license, or where that is.")
    about: Text = Field("", description="A sentence for those who use the weights.")

    @model_validator(mode="after")
    def _complete(self) -> Checkpoint:
        if self.sha256 is None and not HASH_IN_NAME.search(file_of(self.url)):
            help = "add `sha256:` and the digits that `sha256sum FILE` prints"
            wrong("nothing tells the hash of the file", help, "url")
        if self.metrics and not self.where:
            wrong("nothing tells where the metrics are printed", "add `where:`", "metrics")
        if "" in self.rename:
            wrong("a name that is renamed is not empty", 'write `{module.: ""}`, say', "rename")
        if len(self.rename) > MAX_RENAMES:
            wrong(f"more than {MAX_RENAMES} renames", "rename what they begin with", "rename")
        if self.format and not self.format.startswith("."):
            wrong(f"{shown(self.format)} is no suffix", f"write `.{self.format}`", "format")
        return self

    @classmethod
    def example(cls, value: object) -> str:
        return "write `{name: IMAGENET1K_V1, url: https://HOST/FILE, ...}`"
