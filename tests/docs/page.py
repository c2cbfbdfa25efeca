"""A page of docs/ that is done as it stands there: its sections, and a folder to work in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared/reference/resnet-cifar/resnet20-12fca82f.th"
CODE = re.compile(r"```(sh|python)\n(.*?)```", re.S)
PROGRAMS = {
    "rescompile": ["-m", "rescompile"],
    "torchrun": ["-m", "torch.distributed.run"],
    "python": [],
}


def sections(name: str) -> dict[str, str]:
    """The numbered sections of a page; what stands before the first is number 0."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    start, *parts = re.split(r"^## (?=\d+\. )", page, flags=re.M)
    return {"0": start} | {part.partition(".")[0]: part for part in parts}


def prepared(folder: Path) -> Path:
    """An empty folder to work in; the cache has the published file where the machine has it."""
    if PUBLISHED.is_file():
        cache = folder / "cache/weights"
        cache.mkdir(parents=True)
        shutil.copy(PUBLISHED, cache)
    return folder


def run(words: list[str], place: Path, **more: str) -> str:
    """What Python prints, called with these words and `more` in its environment."""
    path = os.pathsep.join([str(place), str(ROOT), str(ROOT / "backends")])
    env = {"PYTHONPATH": path, "RESCOMPILE_CACHE": str(place / "cache"), "RESCOMPILE_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=place,
        env={**os.environ, **env, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_commands(parts: dict[str, str]) -> int:
    """The commands that stand in sentences are known, with their options. How many there are."""
    told = re.findall(r"`(rescompile \w+[^`]*)`", "".join(parts.values()))
    for line in told:
        words = shlex.split(line)
        said = run(["-m", "rescompile", words[1], "--help"], ROOT)
        for option in (word for word in words if word.startswith("--")):
            assert option in said, line
    return len(told)


def shell(code: str, place: Path) -> str:
    """What the lines of a block of `sh` print, which call programs that are known here."""
    printed = ""
    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        given = {}
        while "=" in words[0]:
            name, _, given[name] = words.pop(0).partition("=")
        printed += run([*PROGRAMS[words[0]], *words[1:]], place, **given)
    return printed
