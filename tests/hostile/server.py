"""Runs command lines, each in a process of its own with bounds, and says what they took.

A server: to import the compiler once and fork is far cheaper than to start Python each time. Reads
a JSON list `[directory, arguments]` a line, and answers with `[code, text, seconds, mebibytes]`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
from typing import IO

import rescompile.api
import rescompile.cli
from rescompile.registry import backend_names, get_backend

MIB = 1 << 20
SECONDS = 20
MEMORY = 1024  # MiB of addresses: so that a mistake of ours does not take the machine down


def child(folder: str, arguments: list[str], output: IO[bytes]) -> None:
    os.chdir(folder)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY * MIB, MEMORY * MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "RESCOMPILE_FILE_SIZE" in os.environ:
        limit = int(os.environ["RESCOMPILE_FILE_SIZE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["rescompile", *arguments]
    rescompile.cli.main(prog_name="rescompile")


def run(folder: str, arguments: list[str]) -> tuple[int, str, float, float]:
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            code = 0
            try:
                child(folder, arguments, output)
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 1
            except BaseException:
                import traceback

                traceback.print_exc()
                code = 99
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status, used = os.wait4(pid, 0)
        output.seek(0)
        text = output.read().decode("utf-8", "backslashreplace")
    seconds = used.ru_utime + used.ru_stime
    return os.waitstatus_to_exitcode(status), text, seconds, used.ru_maxrss / 1024


if __name__ == "__main__":
    for name in backend_names():
        get_backend(name)
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)
