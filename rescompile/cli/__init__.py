"""The command line: parses, calls the compiler, prints diagnostics, sets the exit code.

Exit codes: 0 good, 1 the input is wrong or a check failed, 2 the command line is wrong. A command
is a module of `commands`, imported when it is asked for; modules of the compiler are imported
inside the commands. So `--help` and completion stay quick.
"""

from __future__ import annotations

import atexit
import gc
import io
import pkgutil
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from .. import __version__
from ..prose import visible
from . import commands
from .common import guarded


class Commands(click.Group):
    """The modules of `commands`, each imported when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"{commands.__name__}.{cmd_name}").command
        command.name = cmd_name
        return command  # type: ignore[no-any-return]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but for what it says of a slip."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            from ..errors import near, one_of

            help = one_of(near(name, known)) or f"there are {', '.join(known)}"
            ctx.fail(f"there is no command '{name}': {help}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:  # the words of a command line are quoted in it
            error.message = visible(error.message, keep="\n")  # type: ignore[misc,unused-ignore]
            raise


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Shell completion: see `Shell completion` in the README.",
)
@click.version_option(__version__, message="rescompile %(version)s")
@click.option(
    "--error-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar="RESCOMPILE_ERROR_FORMAT",
    help="How to print errors; they are JSON as well where a command's own --format is.",
)
def main(error_format: str) -> None:
    """Compile YAML specs of convolutional networks to PyTorch and Keras source; count costs.

    A SPEC is a path such as specs/resnet34.yaml, the name of a shipped network such as resnet34, or
    `-` for standard input.
    """
    # A compile makes many objects and hardly a cycle: spare the search for them, now and at exit.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it cannot encode is shown, not a traceback
            stream.reconfigure(errors="backslashreplace")
    _end_cleanly(click.get_current_context())
    _set_defaults(click.get_current_context())


@guarded
def _set_defaults(context: click.Context) -> None:
    """Give the command's options the defaults that a pyproject.toml has for them."""
    if context.invoked_subcommand in ("build", "lint", "watch"):
        from .settings import defaults

        with suppress(OSError):  # where the folder that we are in is gone, nothing is set
            context.default_map = defaults(Path.cwd())


def _end_cleanly(context: click.Context) -> None:
    """Unwind on SIGTERM and SIGHUP, which end a process where it stands, as on an interrupt.

    Temporary files are then removed and other processes ended. The exit code is 128 plus the
    signal's number, as shells have it.
    """

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
            context.call_on_close(lambda number=number: signal.signal(number, signal.SIG_DFL))
