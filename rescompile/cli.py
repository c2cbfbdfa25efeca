"""The command line: parses, calls the compiler, prints diagnostics, sets the exit code.

Exit codes: 0 good, 1 the input is wrong or a check failed, 2 the command line is wrong. Modules of
the compiler are imported inside the commands, so that `--help` and completion stay quick.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from .compiler import Architecture, Output

F = TypeVar("F", bound=Callable[..., Any])
MANY = 4  # files from which on a progress bar is worth its lines


def _guarded(command: F) -> F:
    """Turn our own errors into diagnostics and exit code 1; anything else is our bug."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from .errors import RescompileError

        try:
            return command(*args, **kwargs)
        except RescompileError as error:
            click.echo(_coloured(str(error)), err=True)
            sys.exit(1)
        except BrokenPipeError:
            # The reader, `head` say, has gone: not an error of ours.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    return run  # type: ignore[return-value]


def _coloured(text: str) -> str:
    """Diagnostics with colour; click strips it where the output is no terminal."""
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


class SpecType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A spec: a path, or a name of the shipped zoo."""

    name = "spec"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from .spec.load import zoo

        names = [CompletionItem(name) for name in zoo() if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


class BackendType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A backend by name."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from .registry import backend_names

        return [CompletionItem(name) for name in backend_names() if name.startswith(incomplete)]


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Shell completion: see `Shell completion` in the README.",
)
@click.version_option(__version__, message="rescompile %(version)s")
def main() -> None:
    """Compile YAML specs of convolutional networks to PyTorch and Keras source; count costs.

    A SPEC is a path such as specs/resnet34.yaml, or the name of a shipped network such as resnet34.
    """


@main.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option(
    "--backend",
    "-b",
    "backends",
    multiple=True,
    type=BackendType(),
    metavar="NAME",
    help="Backend to emit for; may be given several times. Default: every backend found.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("generated"),
    show_default=True,
    help="Directory to write to: DIR/BACKEND/NAME.py.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not up to date.")
@click.option("--stdout", is_flag=True, help="Print the source instead of writing files.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@_guarded
def build(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    output: Path,
    check: bool,
    stdout: bool,
    quiet: bool,
) -> None:
    """Emit source code for each SPEC and backend.

    Everything is compiled before anything is written: one bad spec, and no file changes.
    """
    if check and stdout:
        raise click.UsageError("--check and --stdout exclude each other")
    from .registry import backend_names

    names = list(dict.fromkeys(backends)) or backend_names()
    made = list(_compile(specs, names, output, quiet or stdout))
    if stdout:
        click.echo("".join(item.text for item in made), nl=False)
    elif check:
        _check(made, quiet)
    else:
        _write(made, quiet)


def _compile(
    specs: Iterable[str], backends: list[str], output: Path, quiet: bool
) -> Iterator[Output]:
    from .compiler import Output, open_spec

    jobs = [(spec, name) for spec in specs for name in backends]
    opened: dict[str, Architecture] = {}
    for spec, name in _progress(jobs, quiet, lambda job: f"{job[0]} for {job[1]}"):
        if spec not in opened:
            opened[spec] = open_spec(spec)
        net = opened[spec]
        yield Output(output / name / f"{net.name}.py", net.source(name))


def _progress(jobs: list[Any], quiet: bool, describe: Callable[[Any], str]) -> Iterator[Any]:
    """The jobs; with a bar on a terminal if there are many."""
    if quiet or len(jobs) < MANY or not sys.stderr.isatty():
        yield from jobs
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("compiling", total=len(jobs))
        for job in jobs:
            progress.update(task, description=describe(job))
            yield job
            progress.advance(task)


def _write(made: list[Output], quiet: bool) -> None:
    for item in made:
        changed = item.write()
        if not quiet:
            word = "wrote" if changed else "up to date:"
            click.echo(f"{word} {item.path.as_posix()}")


def _check(made: list[Output], quiet: bool) -> None:
    stale = [item for item in made if not item.is_current()]
    for item in stale:
        state = "is stale" if item.path.exists() else "is missing"
        click.echo(f"{item.path.as_posix()} {state}", err=True)
    if stale:
        click.echo("run `rescompile build` without --check to write it", err=True)
        sys.exit(1)
    if not quiet:
        click.echo(f"{len(made)} file{'s' * (len(made) != 1)} up to date")


@main.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@click.option(
    "--by",
    type=click.Choice(["network", "stage", "block", "layer"]),
    default="stage",
    show_default=True,
    help="What a row stands for.",
)
@click.option("--versus", type=SpecType(), metavar="SPEC", help="Compare with another network.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "csv"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
@_guarded
def report(spec: str, by: str, versus: str | None, form: str, output: Path | None) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework."""
    from .compiler import open_spec

    net = open_spec(spec)
    if versus is None:
        made: Any = net.report(by)
    else:
        from .analysis.versus import versus as compare

        made = compare(net.facts.elaborated, open_spec(versus).facts.elaborated)
    _print(getattr(made, form)(), output)


def _print(text: str, output: Path | None) -> None:
    text = text if text.endswith("\n") else text + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    from .compiler import Output

    Output(output, text).write()
    click.echo(f"wrote {output.as_posix()}")


@main.command(name="list")
@_guarded
def list_() -> None:
    """List the shipped specs and the backends that are found."""
    from .registry import backend_names, get_backend
    from .spec.load import zoo
    from .spec.yaml import read

    click.echo("specs:")
    found = zoo()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        top = read(path.read_bytes(), path.name).value
        title, source = (top[k].value if k in top else "" for k in ("title", "source"))
        click.echo(f"  {name:<{width}}  {title}{', ' if source else ''}{source}")
    click.echo("backends:")
    for name in backend_names():
        click.echo(f"  {name:<{width}}  {get_backend(name).title}")


@main.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@_guarded
def show(spec: str) -> None:
    """Show a network as the compiler sees it: blocks with their parameters, stages, shapes."""
    from .compiler import open_spec

    click.echo(open_spec(spec).text(), nl=False)
