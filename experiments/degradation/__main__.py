"""The commands of the study: `python -m experiments.degradation run`, then `plot` and `table`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rescompile.errors import RescompileError
from rescompile.files import Output

from . import data
from .errors import StudyError
from .execution import LAYOUTS, NORMS, PRECISIONS, Execution, leads, world_size
from .recipe import CIFAR, FOUR, SCALES
from .run import FRAMEWORKS, Run, networks

OUT = Path("build/degradation")


def _words(known: Iterable[str]) -> Callable[..., tuple[str, ...]]:
    """Several words with commas between them, each of those known."""

    def parsed(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
        words = (word.strip().removesuffix(CIFAR) for word in value.split(","))
        found = tuple(dict.fromkeys(words))
        for word in found:
            if word not in known:
                raise click.BadParameter(f"'{word}' is none of {', '.join(known)}")
        return found

    return parsed


def _seeds(ctx: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", value):
        raise click.BadParameter(f"'{value}' is no list of seeds such as 0,1,2")
    return tuple(dict.fromkeys(map(int, value.split(","))))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Train plain and residual networks as He et al. 2015 did, in PyTorch and Keras."""


def _place(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which all commands find the results."""
    chosen = click.Choice(list(SCALES))
    out = click.Path(path_type=Path, file_okay=False)
    for option in (
        click.option("-o", "--out", type=out, default=OUT, help="Where results are, by scale."),
        click.option("--scale", type=chosen, default="full", help="How much of it; see `run -h`."),
    ):
        command = option(command)
    return command


def _execution(command: Callable[..., None]) -> Callable[..., None]:
    """The options that tell how a training is executed."""
    for option in (
        click.option(
            "--devices",
            type=click.IntRange(1),
            default=world_size(),
            help="For Keras on JAX, which share each batch; PyTorch has torchrun.",
        ),
        click.option(
            "--norms",
            type=click.Choice(NORMS),
            default=NORMS[0],
            help="On several devices: whether norms see all of a batch, or each its part.",
        ),
        click.option(
            "--layout",
            type=click.Choice(LAYOUTS),
            default=LAYOUTS[0],
            help="PyTorch's, in memory.",
        ),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default=PRECISIONS[0],
            help="Of convolutions and products, for GPUs; weights stay in float32.",
        ),
    ):
        command = option(command)
    return command


@main.command(epilog="Scales: " + "; ".join(map(str, SCALES.values())) + ".")
@click.option("--networks", "names", callback=_words(networks()), default=",".join(FOUR))
@click.option("--frameworks", callback=_words(FRAMEWORKS), default=",".join(FRAMEWORKS))
@click.option("--seeds", callback=_seeds, default="0", help="A training for each of them.")
@_place
@click.option(
    "--data",
    "place",
    type=click.Path(path_type=Path),
    default=Path("data/cifar10"),
    envvar="RESCOMPILE_CIFAR10",
    show_envvar=True,
    help="CIFAR-10: cifar-10-python.tar.gz, its folder, or image files by class.",
)
@click.option("--threads", type=click.IntRange(1), help="Of the CPU; as many as there are if not.")
@_execution
@click.pass_context
def run(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    frameworks: tuple[str, ...],
    seeds: tuple[int, ...],
    scale: str,
    out: Path,
    place: Path,
    threads: int | None,
    **how: Any,
) -> None:
    """Train networks, write a line of JSON for each evaluation, and draw the figures.

    What is interrupted goes on from its last evaluation when the command is given again, and
    what is finished is not done again. Keras runs on the backend that KERAS_BACKEND names.

    On several devices PyTorch is started by torchrun --nproc-per-node N -m
    experiments.degradation run --frameworks torch, and Keras on JAX is told --devices N.
    """
    console = Console(stderr=True, highlight=False, quiet=not leads())
    size, folder, execution = SCALES[scale], out / scale, Execution(**how)
    for framework in frameworks:
        execution.check(framework, size.batch)
    console.print(f"[bold]{size}[/]")
    with _for_people():
        with console.status("reading the images"):
            found = data.read(place, size)
        console.print(found.form)
        for seed, framework, name in product(seeds, frameworks, names):
            try:
                job = Run(framework, name, seed, size, found, folder, execution=execution)
                _train(job, threads, console)
            except KeyboardInterrupt:
                console.print("interrupted: the same command goes on from the last evaluation")
                ctx.exit(130)
    if not leads():
        return
    ctx.invoke(table, scale=scale, out=out)
    ctx.invoke(plot, scale=scale, out=out, formats=("svg",))


@main.command()
@_place
@click.option(
    "--format",
    "formats",
    type=click.Choice(["svg", "png", "pdf"]),
    multiple=True,
    default=["svg"],
    help="Of the files; may be given several times.",
)
def plot(scale: str, out: Path, formats: tuple[str, ...]) -> None:
    """Draw the paper's Fig. 6 and Fig. 1 beside the results."""
    with _for_people():
        from .curves import Results
        from .plot import write

        for path in write(Results(out / scale), out / scale, formats):
            click.echo(f"wrote {path.as_posix()}")


@main.command()
@_place
def table(scale: str, out: Path) -> None:
    """Write the paper's Table 6 with our figures beside the results, and print it."""
    with _for_people():
        from .curves import Results
        from .table import markdown

        text = markdown(Results(out / scale))
        Output(out / scale / "table.md", text).write()
        click.echo(text)


@contextmanager
def _for_people() -> Iterator[None]:
    """What is not installed, and files that cannot be written, in a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        what = f"{error.name} is not installed, which the study needs"
        raise StudyError(f"{what}: pip install 'rescompile[torch,keras,plot]' pillow") from None
    except RescompileError as error:
        raise StudyError(str(error)) from None


def _train(job: Run, threads: int | None, console: Console) -> None:
    """One training with a bar, in the framework that is imported for it."""
    title = f"{job.framework} {job.network} seed {job.seed}"
    if job.finished:
        console.print(f"{title}: finished before")
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow tells what it is, at length
    if job.framework == "torch":
        from .train_torch import train
    else:
        from .train_keras import train
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(title, total=job.scale.iterations)
        job.progress = lambda iteration: progress.update(task, completed=iteration)
        train(job, threads)
    last = job.records[-1]
    console.print(
        f"{title}: training loss {last['training_loss']:.3f}, training error "
        f"{last['training_error']:.1%}, test error {last['test_error']:.1%}"
    )


if __name__ == "__main__":
    main(prog_name="python -m experiments.degradation")
