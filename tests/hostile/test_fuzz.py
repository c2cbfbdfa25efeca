"""Whatever the bytes of a spec are: an answer, in time, and never half a file.

The default tests take the same forty of each every time; `make fuzz-errors` runs ten thousand
mutated specs and ten thousand byte strings by its SEED.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings

from rescompile.cli import main
from rescompile.registry import default_backends

from .mutations import byte_strings, mutated_specs

EXAMPLES = int(os.environ.get("RESCOMPILE_FUZZ_ERRORS", "40"))
SECONDS = 10  # far more than any command takes, on a machine as busy as can be
PRECIOUS = "what was there before\n"
READING = ("report", "check", "lint", "show")

many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def limited() -> Iterator[None]:
    """Raises in the midst of a command that hangs."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"no answer after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(*arguments: str) -> Result:
    """What a command answers: it succeeds, or says what is wrong."""
    with limited():
        result = CliRunner().invoke(main, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1), result.output
    assert "Traceback" not in result.output
    assert "internal error" not in result.output, result.output
    assert result.exit_code == 0 or result.output.strip()
    return result


def survives(data: bytes) -> None:
    """Each command answers, and `build` writes all of its files or none."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec, out = folder / "net.yaml", folder / "out"
        spec.write_bytes(data)
        for command in READING:
            answer(command, str(spec))
        out.mkdir()
        (out / "precious.py").write_text(PRECIOUS)
        built = answer("build", str(spec), "--output", str(out))
        made = [path for path in out.rglob("*") if path.is_file()]
        assert (out / "precious.py").read_text() == PRECIOUS
        if answer("fmt", str(spec)).exit_code:
            assert spec.read_bytes() == data
        else:
            assert answer("fmt", "--check", str(spec)).exit_code == 0
        if built.exit_code:
            assert [path.name for path in made] == ["precious.py"]
            return
        assert len(made) == 1 + len(default_backends())
        for path in made:
            if path.name != "precious.py":
                compile(path.read_text("utf-8"), path.name, "exec")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs POSIX alarms")
@given(data=mutated_specs())
@many
def test_a_mutated_spec(data: bytes) -> None:
    survives(data)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs POSIX alarms")
@given(data=byte_strings())
@many
def test_random_bytes(data: bytes) -> None:
    survives(data)
