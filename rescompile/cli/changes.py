"""Options that change a network for once, before a command does anything with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..api import Architecture

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Changes:
    """What is changed of each spec that a command opens."""

    set: tuple[str, ...] = ()
    size: str | None = None
    channels: int | None = None
    classes: int | None = None
    name: str | None = None
    features: bool | tuple[int, ...] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """All of them as places and values."""
        from ..language.override import words

        return words(self.size, self.channels, self.classes, self.name, self.features, self.set)

    def open(self, spec: str) -> Architecture:
        """The changed architecture. Raises `SpecError`."""
        from ..api import open_spec

        return open_spec(spec, set=self.words)


class Strides(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Strides separated by commas, or all."""

    name = "strides"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == ALL or not isinstance(value, str):
            return True if value == ALL else value
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(
                f"'{value}' is no list of strides such as 8,16,32; a spec goes before --features"
            )


ALL = "all"
NONE = Changes()
OPTIONS = (
    click.option(
        "--set",
        "set_",
        multiple=True,
        metavar="PLACE=VALUE",
        help="Change a value of the spec for once: a parameter by its name, anything by its place, "
        "`stages.layer3.repeat=2`; null drops a step. May be given several times.",
    ),
    click.option("--channels", type=click.IntRange(min=1), metavar="N", help="Input channels."),
    click.option("--classes", type=click.IntRange(min=1), metavar="N", help="Classes."),
    click.option(
        "--features",
        is_flag=False,
        flag_value=ALL,
        type=Strides(),
        metavar="[STRIDES]",
        help="Without its head, the backbone that returns the last map at each stride, or at "
        "some: `--features 8,16,32`.",
    ),
    click.option("--name", metavar="NAME", help="The network's name, and its file's."),
)
SIZE = click.option("--size", metavar="N|HxW", help="The input's height and width in pixels.")


def changeable(size: bool = True) -> Callable[[F], F]:
    """Gives a command the options as its argument `changes`; --size only where it has none."""

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def run(
            *args: Any,
            set_: tuple[str, ...],
            channels: int | None,
            classes: int | None,
            name: str | None,
            features: bool | tuple[int, ...] | None,
            **options: Any,
        ) -> Any:
            pixels = options.pop("size") if size else None
            made = Changes(set_, pixels, channels, classes, name, features)
            return command(*args, changes=made, **options)

        wrapped: Any = run
        for option in reversed((SIZE, *OPTIONS) if size else OPTIONS):
            wrapped = option(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate
