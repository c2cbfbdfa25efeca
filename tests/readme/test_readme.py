"""What README.md tells a reader to type works as it stands there."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    # The weights that `convert` reads are published elsewhere: tests/conformance converts them.
    wanted = [line for line in lines if line.startswith("rescompile ")]
    return [line for line in wanted if not line.startswith("rescompile convert ")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with specs and the generated files of the repository, to be written into.

    Of the specs it has those that stand in no folder of a family; other tests build every one.
    """
    (tmp_path / "specs").mkdir()
    for file in (*(ROOT / "specs").glob("*.*"), ROOT / "specs/blocks"):
        (tmp_path / "specs" / file.name).symlink_to(file)
    return tmp_path


def needs_torch() -> None:
    """Skips where PyTorch is absent, without importing it into this process."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the example needs PyTorch")


def python(arguments: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", commands())
def test_a_command_works(command: str, place: Path) -> None:
    if "--check" in command:
        (place / "generated").symlink_to(ROOT / "generated")
    words = [
        word
        for part in shlex.split(command, comments=True)[1:]
        for word in (sorted(map(str, place.glob(part))) if "*" in part else [part])
    ]
    done = python(["-m", "rescompile", *words], place)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def examples() -> list[str]:
    """The Python that stands by itself; the training recipes are run by test_recipes."""
    return [block for block in blocks("python") if "optimizer" not in block]


@pytest.mark.parametrize("block", examples())
def test_python_works_or_stands_in_generated_code(block: str, place: Path) -> None:
    if "import" not in block:
        emitted = (ROOT / "generated/torch/resnet34.py").read_text("utf-8")
        assert all(line in emitted for line in block.splitlines())
        return
    if "torch" in block:
        needs_torch()
    done = python(["-c", block], place)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_yaml_stands_in_a_spec() -> None:
    names = ("resnet34", "plain34")
    spec = "".join((ROOT / f"specs/{name}.yaml").read_text("utf-8") for name in names)
    assert all(line in spec for block in blocks("yaml") for line in block.splitlines())


def test_the_one_liner_of_generated_code_works() -> None:
    needs_torch()
    (code,) = re.findall(r'`python -c "(from generated[^"]*)"`', README)
    done = python(["-c", code], ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ResNet34(")
