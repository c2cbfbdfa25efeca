"""How fast the compiler is, as ratios within one run: `python benchmarks/compile.py`.

* `build` is a whole process, `rescompile build specs/resnet34.yaml --backend torch`, by its process
  time (user and system) over that of a process that only imports the libraries which it needs.
* `report` is in-process: from the text of the spec to the finished report. ResNet-1202's should
  cost no more over ResNet-20's than their depths have to each other.

Runs are interleaved, and the fastest of each are compared: what else the machine does only adds.
Milliseconds of two machines cannot be compared; their ratios can.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
BASELINE = "import click, jinja2, yaml; from pydantic import BaseModel"
BUILD = "from rescompile.cli import main; main()"
SHALLOW, DEEP = "resnet20_cifar", "resnet1202_cifar"
ARGUMENTS = ("build", "specs/resnet34.yaml", "--backend", "torch", "--quiet")


def process_time(code: str, arguments: tuple[str, ...], environment: dict[str, str]) -> float:
    """User and system time of a Python process that runs `code`, in milliseconds."""
    command = [sys.executable, "-c", code, *arguments]
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def measure_build(rounds: int) -> dict[str, float]:
    """The least of the baseline's and of the build's process time; byte code is cached."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment = {**kept, "PYTHONPYCACHEPREFIX": folder, "PYTHONPATH": str(ROOT)}
        jobs = {"baseline": (BASELINE, ()), "build": (BUILD, (*ARGUMENTS, "--output", folder))}
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for turn in range(rounds + 1):
            for name, (code, arguments) in jobs.items():
                taken = process_time(code, arguments, environment)
                if turn:  # the first run writes byte code
                    times[name].append(taken)
    return {name: min(taken) for name, taken in times.items()}


def inside_jobs() -> dict[str, Callable[[], Any]]:
    """Reports by stage, made in this process: from the files, and of one that is compiled."""
    from rescompile.api import open_spec

    compiled = open_spec("resnet152")
    _ = compiled.analysis
    return {
        "resnet152, from its file": lambda: open_spec("resnet152").report("stage").text(),
        "resnet152, counting alone": lambda: compiled.report("stage").text(),
        SHALLOW: lambda: open_spec(SHALLOW).report("stage").text(),
        DEEP: lambda: open_spec(DEEP).report("stage").text(),
    }


def least(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The least time of each job in milliseconds, interleaved."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: min(taken) for name, taken in times.items()}


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Runs of each job.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure the compiler and print ratios."""
    built = measure_build(rounds)
    sys.path.insert(0, str(ROOT))
    inside = least(inside_jobs(), rounds)
    ratio = built["build"] / built["baseline"]
    growth = inside[DEEP] / inside[SHALLOW]
    if as_json:
        click.echo(json.dumps({**built, **inside, "build ratio": ratio, "growth": growth}))
        return
    click.echo(f"build resnet34 for torch  {ratio:5.2f} x the imports (at most 2)")
    click.echo(f"    {built['build']:.0f} ms against {built['baseline']:.0f} ms of process time")
    for name in list(inside)[:2]:
        click.echo(f"report {name:<25}  {inside[name]:5.1f} ms (at most 10)")
    click.echo(f"report {DEEP} / {SHALLOW}  {growth:5.2f} (depths: {1202 / 20:.1f})")


if __name__ == "__main__":
    main()
