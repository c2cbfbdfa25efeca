"""Options beside a kind that does not take them: a slope of `relu`, say, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import Diagnostic, Location
from ..record import record
from .located import Located
from .models import (
    ACTIVATION_OPTIONS,
    NORM_OPTIONS,
    Activation,
    InitSpec,
    Norm,
    Residual,
    Shortcut,
    Spec,
)
from .references import mappings
from .types import is_expression

CODE = "E107"
INIT_OPTIONS = {
    "normal": ("std",),
    "kaiming_normal": ("mode",),
    "kaiming_uniform": ("mode",),
    "lecun_uniform": ("mode",),
    "uniform_fan_in": (),
    "uniform_fan_out": (),
}
SHORTCUT_OPTIONS = {
    "none": (),
    "identity": (),
    "pad": ("pad",),
    "projection": ("norm",),
    "projection_always": ("norm",),
    "avg_projection": ("norm",),
}
# By the model of a mapping: what the mapping is called, and what its kinds take.
TAKEN: dict[Any, tuple[str, Mapping[str, Sequence[str]]]] = {
    Norm: ("norm", NORM_OPTIONS),
    Activation: ("activation", ACTIVATION_OPTIONS),
    InitSpec: ("distribution", INIT_OPTIONS),
    Shortcut: ("shortcut", SHORTCUT_OPTIONS),
}


@record
class Unread:
    """A key of a mapping that changes nothing, and what to say of it."""

    mapping: Located
    key: str
    message: str
    help: str

    @property
    def at(self) -> Location | None:
        return self.mapping.keys_at.get(self.key)

    def diagnostic(self) -> Diagnostic:
        return Diagnostic(CODE, self.message, self.at, help=self.help)


def untaken(spec: Spec) -> Iterator[Unread]:
    """Options that the kind beside them, or that of the defaults, does not take."""
    defaults: dict[Any, str] = {
        Norm: spec.defaults.norm.kind,
        Activation: spec.defaults.activation.kind,
    }
    for one in mappings(spec.tree):
        if one.model in TAKEN and not (one.model is Shortcut and "steps" in one):
            yield from _beside(one, one.get("kind", defaults.get(one.model, "")))
        elif one.model is Shortcut:
            yield from _with_steps(one)
        elif one.model is Residual:
            yield from _in_residual(one)


def _beside(one: Located, kind: str) -> Iterator[Unread]:
    what, taken = TAKEN[one.model]
    for key in one:
        if key != "kind" and not is_expression(kind) and key not in taken[kind]:
            fitting = [other for other, keys in taken.items() if key in keys]
            help = f"remove it, or write `kind: {fitting[0]}`" if fitting else "remove it"
            yield Unread(one, key, f"{_article(what)} of kind '{kind}' has no `{key}`", help)


def _with_steps(one: Located) -> Iterator[Unread]:
    for key in ("norm", "pad"):
        if key in one:
            message = f"a shortcut of steps has no `{key}`: it is made of them alone"
            yield Unread(one, key, message, "remove it")


def _in_residual(one: Located) -> Iterator[Unread]:
    kind = one["shortcut"]
    if isinstance(kind, Located):
        kind = kind.get("kind", "")
    if "tap" in one and not one.get("preactivation"):
        message = "`tap` says on which side of the preactivation a shortcut starts: there is none"
        yield Unread(one, "tap", message, "remove it, or add `preactivation: [...]`")
    elif "tap" in one and kind in ("none", "identity"):
        message = f"`tap` changes nothing for the shortcut '{kind}'"
        yield Unread(one, "tap", message, "remove it, or choose another shortcut")
    for key in ("when", "drop", "scale"):
        if key in one and kind == "none":
            message = f"`{key}` changes nothing where there is no shortcut"
            yield Unread(one, key, message, "remove it, or choose another shortcut")


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"
