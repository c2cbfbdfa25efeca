"""`rescompile verify`: prove that every backend computes what a spec says."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from ..changes import Changes, changeable
from ..common import EngineType, SpecType, guarded, or_default
from ..printed import Printer, printed

if TYPE_CHECKING:
    from ...api import Architecture
    from ...verify.certificate import Certificate
    from ...worker.client import Worker


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
@changeable(size=False)
@guarded
@printed()
def command(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    level: str,
    size: int | None,
    tolerance: float | None,
    printer: Printer,
    changes: Changes,
) -> None:
    """Verify that the backends of each SPEC compute the same function.

    Each framework gets the same random weights and images, and is compared with a reference in
    NumPy and with the others: outputs, running statistics, gradients, weights after ten steps of
    SGD. Exit code 1 where they disagree. JSON is a certificate. Where the table is too wide,
    columns give way in this order: worst at, image, dtype, bound, the pairs that are compared.
    """
    names = _running(backends)
    from ...language.folder import networks
    from ...verify.certificate import Certificates, compared, table_of
    from ...verify.checks import Level
    from ...verify.verification import Options, verify

    options = Options(Level(level), size, tolerance, changes=changes.words)
    specs = tuple(networks(specs))
    nets = _compiled(specs, size, changes.words)
    certificates: list[Certificate] = []
    with _workers(names, bool(backends)) as workers, _status() as tell:
        _refuse(nets, workers)
        table_of(compared([worker.label for worker in workers])).chosen(printer.view)
        del nets
        for spec in specs:
            made = verify(spec, workers, options, tell)
            certificates.append(made)
            if printer.streams:  # what is done is told, whatever comes then
                before = "\n" if len(certificates) > 1 else ""
                click.echo(before + made.text(printer.view), nl=False)
    if not printer.streams:
        printer(Certificates(certificates))
    if not all(made.good for made in certificates):
        sys.exit(1)


def _running(backends: tuple[str, ...]) -> list[str]:
    """The backends to compare, with their engines. Raises `SpecError` for one that runs nothing."""
    from ...errors import SpecError
    from ...registry import get_backend, lacking

    names = or_default(backends)
    owners = dict.fromkeys(name.partition(":")[0] for name in names)
    if mute := [name for name in owners if get_backend(name).runtime is None]:
        raise SpecError([lacking(name, "runtime") for name in mute])
    return names


def _compiled(
    specs: tuple[str, ...], size: int | None, changes: tuple[str, ...]
) -> list[Architecture]:
    """The specs, of which none is wrong: that is told before a framework starts."""
    from ...api import open_spec
    from ...errors import DiagnosticCollector

    collector = DiagnosticCollector()
    nets = []
    for spec in specs:
        with collector.part():
            nets.append(open_spec(spec, size, set=changes))
            nets[-1].analysis  # noqa: B018
    collector.done()
    return nets


def _refuse(nets: list[Architecture], workers: list[Worker]) -> None:
    """Tell what a framework cannot express, of all networks, before the first takes its time."""
    from ...errors import DiagnosticCollector

    collector = DiagnosticCollector()
    for net in nets:
        for worker in workers:
            with collector.part():
                net.source(worker.backend)
    collector.done()


@contextlib.contextmanager
def _workers(names: list[str], asked: bool) -> Iterator[list[Worker]]:
    """A process for each framework, ended at once on an interrupt.

    A framework that is not installed is named: an error where it was `asked` for, else left out.
    One that is installed and does not start is an error always.
    """
    from ...errors import Diagnostic, SpecError
    from ...worker.client import MissingFramework, Worker, WorkerError

    with contextlib.ExitStack() as stack:
        found = []
        # All start at once, since each takes seconds to import its framework.
        for worker in [stack.enter_context(Worker(name)) for name in names]:
            backend = worker.backend
            try:
                worker.versions()
            except MissingFramework as error:
                extra = error.what if error.what == worker.engine else f"'rescompile[{backend}]'"
                help = f"pip install {extra}"
                message = f"{error.what} is not installed, which the {worker.label} backend needs"
                if asked:
                    raise SpecError([Diagnostic("E004", message, help=help)]) from None
                click.echo(f"note: {message}; verifying without it ({help})", err=True)
                continue
            except WorkerError as error:
                message = f"the framework of the {worker.label} backend does not start"
                help = f"`python -c 'import {backend}'` tells more"
                said = (error.what,)
                raise SpecError([Diagnostic("E004", message, help=help, notes=said)]) from None
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
