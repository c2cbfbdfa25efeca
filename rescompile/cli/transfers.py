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
    from rich.progress import Progress


class Shown(Watch):
    """Says on standard error what happens; the bar is there from the first bytes to the last."""

    def __init__(self) -> None:
        self.bar: Progress | None = None
        self.under_way = False

    def say(self, text: str) -> None:
        self.close()
        click.echo(visible(text), err=True)

    def progress(self, done: int, total: int | None) -> None:
        self.under_way = done != total
        if not sys.stderr.isatty():
            return
        if self.bar is None:
            self.bar = _bar()
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, total=total)
        if not self.under_way:
            self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


@contextmanager
def shown() -> Iterator[Watch]:
    """Inside, a download is shown; one that is interrupted keeps what it has, and that is said."""
    watch = Shown()
    try:
        yield watch
    except KeyboardInterrupt:
        watch.close()
        if watch.under_way:
            click.echo("interrupted: what was fetched is kept, the same command goes on", err=True)
        raise
    finally:
        watch.close()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (BarColumn(), DownloadColumn(binary_units=True), Speed(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None)
    return bar
