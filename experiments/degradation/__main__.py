"""The commands of the study: `python -m experiments.degradation run`, then `plot` and `table`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rescompile.errors import RescompileError

from . import data
from .errors import StudyError
from .recipe import SCALES
from .run import FRAMEWORKS, Run, networks

OUT = Path("build/degradation")


def _words(known: Iterable[str]) -> Callable[..., tuple[str, ...]]:
    """Several words with commas between them, each of those known."""

    def parsed(ctx: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
        words = (word.strip().removesuffix("_cifar") for word in value.split(","))
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


@main.command(epilog="Scales: " + "; ".join(map(str, SCALES.values())) + ".")
@click.option(
    "--networks", "names", callback=_words(networks()), default="plain20,plain56,resnet20,resnet56"
)
@click.option("--frameworks", callback=_words(FRAMEWORKS), default=",".join(FRAMEWORKS))
@click.option("--seeds", callback=_seeds, default="0", help="A training for each of them.")
@click.option("--scale", "scale_name", type=click.Choice(list(SCALES)), default="full")
@click.option(
    "--data",
    "place",
    type=click.Path(path_type=Path),
    default=Path("data/cifar10"),
    envvar="RESCOMPILE_CIFAR10",
    show_envvar=True,
    help="CIFAR-10: cifar-10-python.tar.gz, its folder, or image files by class.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    help="Where results and checkpoints go, into a folder of the name of the scale.",
)
@click.option("--threads", type=click.IntRange(1), help="Of the CPU; as many as there are if not.")
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    frameworks: tuple[str, ...],
    seeds: tuple[int, ...],
    scale_name: str,
    place: Path,
    out: Path,
    threads: int | None,
) -> None:
    """Train networks, and write a line of JSON for each evaluation.

    What is interrupted goes on from its last evaluation when the command is given again, and
    what is finished is not done again. Keras runs on the backend that KERAS_BACKEND names.
    """
    console = Console(stderr=True)
    scale = SCALES[scale_name]
    console.print(f"[bold]{scale}[/]", highlight=False)
    with console.status("reading the images"):
        found = data.read(place, scale)
    console.print(f"{found.form}, {found.digest}", highlight=False)
    for seed in seeds:
        for framework in frameworks:
            for name in names:
                job = Run(framework, name, seed, scale, found, out / scale.name)
                try:
                    _train(job, threads, console)
                except KeyboardInterrupt:
                    console.print("interrupted: the same command goes on from the last evaluation")
                    ctx.exit(130)
                except RescompileError as error:
                    raise StudyError(str(error)) from None


def _train(job: Run, threads: int | None, console: Console) -> None:
    """One training with a bar, in the framework that is imported for it."""
    title = f"{job.framework} {job.network} seed {job.seed}"
    if job.finished:
        console.print(f"{title}: finished before", highlight=False)
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
        f"{last['training_error']:.1%}, test error {last['test_error']:.1%}",
        highlight=False,
    )


if __name__ == "__main__":
    main(prog_name="python -m experiments.degradation")
