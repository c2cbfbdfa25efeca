"""What is emitted is the same bytes whatever surrounds the compiler."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ("resnet34", "googlenet", "mobilenet_v3_small", "unet", "efficientnet_v2_s")
SURROUNDINGS: dict[str, dict[str, str]] = {
    "usual": {},
    "hash 1": {"PYTHONHASHSEED": "1"},
    "hash 2": {"PYTHONHASHSEED": "4294967295"},
    "locale": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"LC_ALL": "C.UTF-8"},
    "turkish": {"LC_ALL": "tr_TR.UTF-8"},
    "west": {"TZ": "America/Los_Angeles"},
    "east": {"TZ": "Pacific/Kiritimati"},
    "terminal": {"COLUMNS": "30", "FORCE_COLOR": "1", "TERM": "dumb"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
}
COMMANDS = (
    ("build", *SPECS, "mine.yaml"),
    ("report", "resnet34", "--format", "markdown", "-o", "report.md"),
    ("report", "googlenet", "--format", "csv", "--by", "layer", "-o", "report.csv"),
    ("report", "resnet18", "mine.yaml", "--versus", "unet", "-o", "report.html"),
    ("check", "resnet34", "-o", "check.txt"),
    ("check", "resnet34", "vgg16", "--format", "json", "-o", "check.json"),
    ("diff", "plain34", "resnet34", "-o", "diff.txt"),
    ("new", "fresh", "--like", "mobilenet"),
    ("fmt", "mine.yaml"),
)
OTHERS = [name for name in SURROUNDINGS if name != "usual"]
# By default several at once; by `slow` each alone, which tells what does harm.
TOGETHER = (
    ("hash 1", "turkish", "west", "terminal", "optimised"),
    ("hash 2", "locale", "east"),
)


def made(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Every file that the commands write, by its digest."""
    folder.mkdir(parents=True)
    text = "rescompile: 1\nextends: resnet18\nname: mine\ntitle: Caf\u00e9 \u2192 na\u00efve\n"
    (folder / "mine.yaml").write_bytes(text.encode())
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    program = (
        "import sys, shlex; from rescompile.cli import main\n"
        "for line in sys.argv[1:]:\n"
        "    main(shlex.split(line), standalone_mode=False)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, *(" ".join(words) for words in COMMANDS)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        data = path.read_bytes()
        assert b"\r" not in data
        assert data.endswith(b"\n")
        data.decode("utf-8")
        assert str(folder).encode() not in data
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = made(tmp_path_factory.mktemp("usual") / "here", {})
    assert len(found) >= 2 * (len(SPECS) + 1) + 7
    return found


@pytest.mark.parametrize(
    "names",
    [*TOGETHER, *(pytest.param((name,), marks=pytest.mark.slow) for name in OTHERS)],
    ids=", ".join,
)
def test_the_same_bytes(names: tuple[str, ...], usual: dict[str, str], tmp_path: Path) -> None:
    around = {key: value for name in names for key, value in SURROUNDINGS[name].items()}
    assert made(tmp_path / "another folder \u00e9", around) == usual


def test_no_file_is_opened_as_the_platform_likes() -> None:
    """Each text file names its encoding, or is read and written as bytes."""
    for path in [*(ROOT / "rescompile").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]:
        text = path.read_text("utf-8")
        for call in ("read_text()", "write_text(", ".open()", 'open("r")', 'open("w"'):
            assert call not in text, (path, call)
