"""`rescompile verify`: prove that every backend computes what a spec says."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..common import EngineType, SpecType, guarded, print_or_write

if TYPE_CHECKING:
    from ...parity.certificate import Certificate
    from ...parity.process import Worker


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option(
    "--backend",
    "-b",
    "backends",
    multiple=True,
    type=EngineType(),
    help="Backend, or backend:engine such as keras:jax; repeatable. All that are installed if none "
    "is given.",
)
@click.option(
    "--level",
    type=click.Choice(["forward", "train"]),
    default="train",
    show_default=True,
    help="How far to go: outputs alone, or also training, gradients and SGD steps.",
)
@click.option(
    "--size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Compile for images of N x N pixels. Without it, float32 outputs are checked at the spec's"
    " own size, everything else at the smallest one from 64 on that the network takes.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="The bound of every judged relative error, instead of its own.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print it; json is a certificate.",
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
@guarded
def command(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    level: str,
    size: int | None,
    tolerance: float | None,
    form: str,
    output: Path | None,
) -> None:
    """Verify that the backends of each SPEC compute the same function.

    Each framework gets the same random weights and images, and is compared with a reference in
    NumPy and with the others: outputs, running statistics, gradients, weights after ten steps of
    SGD. Exit code 1 where they disagree.
    """
    from ...parity.certificate import to_json
    from ...parity.checks import Level
    from ...parity.verify import Options, verify

    options = Options(Level(level), size, tolerance)
    certificates: list[Certificate] = []
    with _workers(backends) as workers, _status() as tell:
        for spec in specs:
            certificates.append(verify(spec, workers, options, tell))
    texts = {
        "json": lambda: to_json(certificates),
        "text": lambda: "\n".join(made.text() for made in certificates),
        "markdown": lambda: "\n".join(made.markdown() for made in certificates),
    }
    print_or_write(texts[form](), output)
    if not all(made.good for made in certificates):
        sys.exit(1)


@contextlib.contextmanager
def _workers(backends: tuple[str, ...]) -> Iterator[list[Worker]]:
    """A process for each framework, ended at once on an interrupt.

    A framework that is not installed is named: an error where it was asked for, else left out.
    """
    from ...errors import Diagnostic, SpecError
    from ...parity.process import MissingFramework, Worker
    from ...registry import backend_names

    names = list(dict.fromkeys(backends)) or backend_names()
    with contextlib.ExitStack() as stack:
        found = []
        for name in names:
            worker = stack.enter_context(Worker(name))
            try:
                worker.versions()
            except MissingFramework as error:
                help = f"pip install 'rescompile[{worker.backend}]'"
                message = f"{error.what} is not installed, which the {name} backend needs"
                if backends:
                    raise SpecError([Diagnostic("E004", message, help=help)]) from None
                click.echo(f"note: {message}; verifying without it ({help})", err=True)
                continue
            found.append(worker)
        if not found:
            message = "no framework is installed, so there is nothing to verify"
            raise SpecError([Diagnostic("E004", message, help="pip install 'rescompile[all]'")])
        yield found


@contextlib.contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """A line on a terminal that tells what is being done."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console
    from rich.text import Text

    from ...prose import visible

    with Console(stderr=True).status("starting") as status:
        yield lambda what: status.update(Text(visible(what)))
