"""What the commands share: diagnostics for errors, completion, progress, a place to print to."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..errors import RescompileError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
SOURCES = (".yaml", ".yml", ".py")  # files that are written by hand, or by `build`
MANY = 4  # jobs from which on a progress bar is worth its lines


def guarded(command: F) -> F:
    """Turn our own errors into diagnostics and exit code 1; anything else is our bug."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from ..errors import Diagnostic, RescompileError, render

        try:
            with _named_if_missing():
                made = command(*args, **kwargs)
            sys.stdout.flush()
            return made
        except RescompileError as error:
            chosen = click.get_current_context().find_root().params.get("error_format")
            as_json = "json" in (chosen, kwargs.get("form"))
            click.echo(_json(error) if as_json else coloured(str(error)), err=True)
            sys.exit(1)
        except OSError as error:
            # The output cannot be printed, or the folder that we are in is gone. Where the reader,
            # `head` say, has, there is nothing to tell.
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                found = Diagnostic("E003", f"cannot go on: {error.strerror or error}")
                click.echo(coloured(render(found)), err=True)
            sys.exit(1)

    return run  # type: ignore[return-value]


@contextmanager
def _named_if_missing() -> Iterator[None]:
    """NumPy comes with the frameworks: commands on weights and values need it, others do not."""
    from ..errors import Diagnostic, SpecError

    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        message = "numpy is not installed, which this command needs"
        help = "pip install 'rescompile[torch]', or [keras], [weights], [all]"
        raise SpecError([Diagnostic("E004", message, help=help)]) from None


def _json(error: RescompileError) -> str:
    """An error as a list of diagnostics; what is no fault of the input has no code."""
    from ..errors import Diagnostic, record
    from ..prose import json_text

    found = error.diagnostics or (Diagnostic("", str(error)),)
    return json_text([record(one) for one in found]).rstrip("\n")


def is_coloured(stream: IO[str]) -> bool:
    """Whether what is printed there has colours: a terminal's has, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def coloured(text: str) -> str:
    """Diagnostics with colour; click strips it where the output is no terminal."""
    if os.environ.get("NO_COLOR"):
        return text
    lines = []
    for line in text.splitlines():
        head, bracket, rest = line.partition("[")
        if head in ("error", "warning") and bracket:
            red = "red" if head == "error" else "yellow"
            code, _, message = rest.partition("]: ")
            line = click.style(f"{head}[{code}]", fg=red, bold=True) + f": {message}"
        elif line.lstrip().startswith("= help:"):
            line = click.style(line, fg="cyan")
        lines.append(line)
    return "\n".join(lines)


class Word(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A word of which shells complete those that there are."""

    name = "name"
    otherwise: tuple[str, ...] = ()  # what else it may be, as shells call it

    def words(self) -> Iterable[str]:
        raise NotImplementedError

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(word) for word in self.words() if word.startswith(incomplete)]
        return found or [CompletionItem(incomplete, type=kind) for kind in self.otherwise]


class SpecType(Word):
    """A spec: a path, or a name of the shipped zoo."""

    name, otherwise = "spec", ("file",)

    def words(self) -> Iterable[str]:
        from ..language.load import zoo

        return zoo()


class WeightsType(SpecType):
    """A spec, or a spec and the name of its weights: `resnet34:IMAGENET1K_V1`."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from ..api import open_spec
        from ..errors import RescompileError

        spec, colon, _ = incomplete.rpartition(":")
        if not colon:
            return super().shell_complete(ctx, param, incomplete)
        with suppress(RescompileError):
            words = [f"{spec}:{one.name}" for one in open_spec(spec).weights]
            return [CompletionItem(word) for word in words if word.startswith(incomplete)]
        return []


class BackendType(Word):
    """A backend by name."""

    def words(self) -> Iterable[str]:
        from ..registry import backend_names

        return backend_names()


class EngineType(BackendType):
    """A backend, or a backend and the engine that its framework is to run on: `keras:jax`."""

    def words(self) -> Iterable[str]:
        from ..registry import working

        known = [*working()]
        engines = [f"{one.name}:{engine}" for one in known for engine in one.engines]
        return sorted(one.name for one in known) + engines

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..errors import RescompileError, did_you_mean
        from ..registry import get_backend

        name, colon, engine = value.partition(":")
        try:
            engines = get_backend(name).engines
        except RescompileError as error:
            if error.diagnostics[0].code != "E002":
                return value  # the command tells what is wrong with a backend that is there
            self.fail(str(error).partition("]: ")[2], param, ctx)
        if colon and engine not in engines:
            help = did_you_mean(engine, engines) or f"{name} has no engines to choose from"
            self.fail(f"{name} does not run on '{engine}': {help}", param, ctx)
        return value


def progress(jobs: Sequence[T], quiet: bool, describe: Callable[[T], str]) -> Iterator[T]:
    """The jobs; with a bar on a terminal if there are many."""
    if quiet or len(jobs) < MANY or not sys.stderr.isatty():
        yield from jobs
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ..prose import visible

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(jobs))
        for job in jobs:
            bar.update(task, description=visible(describe(job)))
            yield job
            bar.advance(task)


def is_source(path: Path) -> bool:
    """Whether there is a spec or code, which no report may replace."""
    return path.suffix in SOURCES and path.is_file()


def print_or_write(text: str, output: Path | None, quiet: bool = False) -> None:
    """Print a document, or write it and, unless `quiet`, say so.

    Raises `SpecError` where it would replace a spec or code.
    """
    text = text if text.endswith("\n") else text + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    from ..errors import Diagnostic, SpecError
    from ..files import Output
    from ..prose import visible

    if is_source(output):
        message = f"cannot overwrite {output.as_posix()}: it is a source, and no report"
        help = "choose another name with `-o`"
        raise SpecError([Diagnostic("E003", message, help=help)])
    Output(output, text).write()
    if not quiet:
        click.echo(f"wrote {visible(output.as_posix())}")


def or_default(backends: Iterable[str]) -> list[str]:
    """The backends that were named, each once, or those by default if none was.

    One that may be by default and does not work is told: what is left out is not left out silently.
    """
    from ..registry import default_backends

    return list(dict.fromkeys(backends)) or default_backends(
        lambda found: click.echo(f"note: {found.message}; going on without it", err=True)
    )


backend_option = click.option(
    "--backend",
    "-b",
    "backends",
    multiple=True,
    type=BackendType(),
    metavar="NAME",
    help="Backend to emit for; may be given several times. Default: those that `list` marks.",
)
output_option = click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("generated"),
    show_default=True,
    help="Directory to write to: DIR/BACKEND/NAME.py.",
)


class LineLength(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """How long the lines of emitted code may be."""

    name = "line length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from ..emit.layout import NARROWEST, WIDEST

        return click.IntRange(NARROWEST, WIDEST).convert(value, param, ctx)


line_length_option = click.option(
    "--line-length",
    type=LineLength(),
    default=100,
    show_default=True,
    metavar="N",
    help="Columns of a line, 79 to 320: files are laid out as `ruff format` does it with that.",
)
force_option = click.option(
    "--force", is_flag=True, help="Replace files that rescompile did not generate as well."
)
