"""Installs a wheel into an empty environment for each Python that is here, and tries it there.

    python scripts/try_wheel.py dist/rescompile-*.whl

Nothing but the wheel and what it depends on is installed, so no framework is; the commands run in
an empty folder, as a newcomer's first ones do. A Python is found as `python3.N` on the path, or
among the versions of pyenv. What is not found is named, and no failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MINORS = range(10, 15)  # what pyproject.toml promises: 3.10 to 3.14
PAGES = ("architecture", "backends", "cookbook", "errors", "language", "recipes", "training")
BUILD = "wrote generated/keras/resnet34.py\nwrote generated/torch/resnet34.py\n"


def interpreter(minor: int) -> str | None:
    """A Python 3 of this minor version, if there is one."""
    name = f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*map(str, sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"))), shutil.which(name) or ""]
    if sys.version_info[1] == minor:
        found.insert(0, sys.executable)
    for python in filter(None, found):
        words = [python, "-c", "import sys, venv; print(sys.version_info[1])"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.stdout.strip() == str(minor):  # pyenv's shims stand for versions that are not there
            return python
    return None


def try_wheel(wheel: Path, python: str, folder: Path) -> str:
    """Install it and run the first commands of README; gives the version, ends where one fails."""
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    install = [bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, wheel], check=True)
    empty = folder / "empty"
    empty.mkdir()

    def run(*words: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            [bin / "rescompile", *words],
            cwd=empty,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode or done.stderr:
            raise SystemExit(f"rescompile {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    expect(BUILD, run("build", "resnet34"))
    expect("21,797,672 parameters", run("report", "resnet34"))
    expect("2 files up to date", run("build", "resnet34", "--check"))
    for file in (empty / "generated").rglob("*.py"):
        expect("from the shipped resnet34;", file.read_text("utf-8"))
    for page in PAGES:
        expect(f"\n{page} ", "\n" + run("docs"))
    expect("# The language\n", run("docs", "language"))
    expect("# E203", run("explain", "E203"))
    expect("wrote rescompile.schema.json", run("new", "mine"))
    expect("wrote generated/torch/mine.py", run("build", "mine.yaml"))
    return run("--version").split()[-1]


def expect(wanted: str, text: str) -> None:
    """Ends where a text does not have what it should have."""
    if wanted not in text:
        raise SystemExit(f"there is no {wanted!r} in this:\n{text}")


def main() -> None:
    wheel = Path(sys.argv[1]).resolve()
    tried = 0
    for minor in MINORS:
        python = interpreter(minor)
        if python is None:
            print(f"3.{minor}: not on this machine")
            continue
        with tempfile.TemporaryDirectory() as folder:
            version = try_wheel(wheel, python, Path(folder))
        tried += 1
        print(f"3.{minor}: rescompile {version} works", flush=True)
    if not tried:
        raise SystemExit("no Python was found to try it with")


if __name__ == "__main__":
    main()
