"""The pre-commit hooks: each is a command line that works, and does what it is for."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from rescompile.cli import main

ROOT = Path(__file__).parents[2]
HOOKS: dict[str, Any] = {
    hook["id"]: hook
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
SPEC = "rescompile: 1\nextends: resnet18\nname: mine\n"
PRE_COMMIT = shutil.which("pre-commit")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of somebody's with a spec, and its code in generated/."""
    monkeypatch.chdir(tmp_path)
    Path("specs/blocks").mkdir(parents=True)
    Path("specs/mine.yaml").write_text(SPEC, "utf-8")
    shutil.copy(ROOT / "specs/blocks/gate.yaml", "specs/blocks/gate.yaml")
    Path("specs/other.yaml").write_text("version: 3\n", "utf-8")
    assert CliRunner().invoke(main, ["build", "specs"]).exit_code == 0
    return tmp_path


def run(hook: str, *files: str) -> int:
    """The exit code of a hook as pre-commit calls it."""
    program, *words = shlex.split(HOOKS[hook]["entry"])
    assert program == "rescompile"
    given = files if HOOKS[hook].get("pass_filenames", True) else ()
    return CliRunner().invoke(main, [*words, *HOOKS[hook].get("args", []), *given]).exit_code


def test_build(project: Path) -> None:
    assert run("rescompile-build") == 0
    Path("specs/mine.yaml").write_text(SPEC + "classes: 7\n", "utf-8")
    assert run("rescompile-build") == 1
    assert "num_classes: int = 1000" in Path("generated/torch/mine.py").read_text("utf-8")


def test_check(project: Path) -> None:
    assert run("rescompile-check") == 0
    Path("specs/mine.yaml").write_text(SPEC + "claims:\n  - {layers: '19', where: x}\n", "utf-8")
    assert run("rescompile-check") == 1


def test_fmt(project: Path) -> None:
    assert run("rescompile-fmt", "specs/mine.yaml", "specs/blocks/gate.yaml") == 0
    assert Path("specs/mine.yaml").read_text("utf-8") == SPEC
    Path("specs/mine.yaml").write_text(SPEC.replace("mine", "'mine'"), "utf-8")
    assert run("rescompile-fmt", "specs/mine.yaml") == 0
    assert Path("specs/mine.yaml").read_text("utf-8") == SPEC


@pytest.mark.skipif(PRE_COMMIT is None, reason="pre-commit is not installed")
def test_pre_commit_itself(project: Path) -> None:
    """In a repository of its own; only the installation of the hooks is left out."""
    hooks = [{**hook, "language": "system"} for hook in HOOKS.values()]
    for hook in hooks:
        hook["entry"] = hook["entry"].replace("rescompile", f"{sys.executable} -m rescompile", 1)
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    Path(".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    env = {**os.environ, "PYTHONPATH": path, "PRE_COMMIT_HOME": str(project / ".cache")}

    def call(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            words, cwd=project, env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert call("git", "init", "-q")[0] == 0
    assert call("git", "add", "specs", "generated", ".pre-commit-config.yaml")[0] == 0
    assert PRE_COMMIT is not None
    code, said = call(PRE_COMMIT, "run", "--all-files")
    assert (code, said.count("Passed")) == (0, 3), said
    Path("specs/mine.yaml").write_text(SPEC.replace("mine", "'mine'") + "classes: 7\n", "utf-8")
    code, said = call(PRE_COMMIT, "run", "--all-files")
    assert code == 1
    assert (said.count("Passed"), said.count("Failed")) == (1, 2), said
    assert "generated/torch/mine.py is stale" in said
    assert Path("specs/mine.yaml").read_text("utf-8") == SPEC + "classes: 7\n"
