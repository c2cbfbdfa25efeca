"""What is released: the Pythons that are promised are those tried, and the archives are sound."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
TOP = {"rescompile", *(path.parent.name for path in (ROOT / "backends").glob("*/__init__.py"))}


def test_the_pythons_that_are_promised_are_those_tried() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", PROJECT)
    jobs = WORKFLOW["jobs"]
    assert jobs["light"]["strategy"]["matrix"]["python"] == promised
    steps = [step["with"] for step in jobs["dist"]["steps"] if "with" in step]
    assert sorted(steps[0]["python-version"].split()) == sorted(promised)
    spec = importlib.util.spec_from_file_location("try_wheel", ROOT / "scripts/try_wheel.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert [f"3.{minor}" for minor in module.MINORS] == promised
    assert f'requires-python = ">={promised[0]}"' in PROJECT


def test_the_workflow_runs_what_there_is_with_pinned_actions() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert all(
        re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step
    )
    commands = [step["run"].split() for step in steps if "run" in step]
    assert [".ci/run"] in commands
    for words in (words[1:] for words in commands if words[0] == "make"):
        assert {word for word in words if "=" not in word} <= {*targets}


@pytest.mark.slow
def test_archives_are_built_checked_and_tried(tmp_path: Path) -> None:
    """Measured: some two minutes for four Pythons, most of it pip's."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "build", "--outdir", str(tmp_path))
    (wheel,), (archive,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    run("-m", "twine", "check", "--strict", str(wheel), str(archive))
    run("-m", "check_wheel_contents", str(wheel))
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == TOP
    suffixes = {Path(name).suffix for name in names if name.startswith("rescompile/docs/")}
    assert suffixes == {".md"}
    for name in ("specs/schema.json", "specs/vgg/vgg16.yaml", "docs/language.md", "py.typed"):
        assert f"rescompile/{name}" in names
    with tarfile.open(archive) as opened:
        top = {name.split("/")[1] for name in opened.getnames()}
    assert {"rescompile", "backends", "specs", "docs", "tests", "generated", "Makefile"} <= top
    assert not top & {".ci", ".venv", "build", "dist", ".git", ".mypy_cache"}
    minor = f"3.{sys.version_info[1]}"
    assert f"{minor}: rescompile " in run("scripts/try_wheel.py", str(wheel))
