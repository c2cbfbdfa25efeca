"""A download as it is seen in a terminal: a bar while it lasts; elsewhere, a line for each step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..download import Watch
from ..prose import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Shown(Watch):
    """Says on standard error what happens."""

    def __init__(self, bar: Progress | None) -> None:
        self.bar = bar
        self.task: TaskID | None = None

    def say(self, text: str) -> None:
        line = visible(text)
        if self.bar is None:
            click.echo(line, err=True)
        else:
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def progress(self, done: int, total: int | None) -> None:
        if self.bar is None:
            return
        if self.task is None:
            self.task = self.bar.add_task("", total=None)
        self.bar.update(self.task, completed=done, total=total)


@contextmanager
def shown() -> Iterator[Watch]:
    """Inside, a download is shown; one that is interrupted keeps what it has, and that is said."""
    try:
        with _bar() as bar:
            yield Shown(bar)
    except KeyboardInterrupt:
        click.echo("interrupted: what was fetched is kept, the same command goes on", err=True)
        raise


@contextmanager
def _bar() -> Iterator[Progress | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (BarColumn(), DownloadColumn(binary_units=True), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar
