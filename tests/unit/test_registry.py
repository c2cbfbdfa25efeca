"""Backends of third parties: found by package or entry point, and told of where they are broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main
from rescompile.emit.contract import Backend
from rescompile.errors import SpecError, render
from rescompile.registry import (
    MEMBERS,
    _entry_points_on,
    backend_names,
    broken,
    default_backends,
    get_backend,
)

ROOT = Path(__file__).parents[2]
GOOD = """
from rescompile.emit.contract import Backend

class Text(Backend):
    name, title, suffix = "{name}", "Text", ".txt"

    def emit(self, request):
        return request.summary.docstring()

backend = Text()
"""
SPEC = """\
rescompile: 1
name: mine
input: {channels: 3, height: 8, width: 8}
stages:
  - conv: {channels: 4, kernel: 3}
"""
FOUND = backend_names()
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a module on the path, and a distribution that has entry points into it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(SPEC, "utf-8")
    for site in ("site", "other"):
        (tmp_path / site).mkdir()
        monkeypatch.syspath_prepend(tmp_path / site)

    def put(module: str, text: str, *entries: str, site: str = "site") -> Path:
        folder = tmp_path / site
        (folder / f"{module}.py").write_text(text, "utf-8")
        if entries:
            made = folder / f"{module}-1.0.dist-info"
            made.mkdir()
            (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
            lines = ["[rescompile.backends]", *entries]
            (made / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        invalidate_caches()
        _entry_points_on.cache_clear()  # what is installed while a process runs is not seen by it
        return folder

    return put


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def listed() -> Any:
    return json.loads(run("list", "--format", "json").output)


def fault(name: str) -> str:
    with pytest.raises(SpecError) as caught:
        get_backend(name)
    (found,) = caught.value.diagnostics
    assert found.code == "E009"
    assert found.help
    return str(caught.value)


@pytest.mark.parametrize("entry", [True, False])
def test_a_backend_is_found_by_its_entry_point_or_its_package(
    install: Install, entry: bool
) -> None:
    name, module = ("entered", "entered_backend") if entry else ("packed", "rescompile_packed")
    entries = [f"{name} = {module}:backend"] if entry else []
    install(module, GOOD.format(name=name), *entries)
    assert backend_names() == sorted([*FOUND, name])
    assert name not in default_backends()
    done = run("build", "mine.yaml", "-b", name)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"wrote generated/{name}/mine.txt\n"
    assert "note: nothing proves what the Text backend writes" in done.stderr
    assert run("build", "mine.yaml", "-b", name, "--check", "-q").exit_code == 0
    assert run("build", "mine.yaml", "-b", name, "-q").output == ""  # it knows the file as its own
    (row,) = (r for r in listed()["backends"] if r["name"] == name)
    assert row == {
        "name": name,
        "title": "Text",
        "files": ".txt",
        "default": "no",
        "proved": "no",
        "runs": "no",
    }


def test_both_ways_to_one_object_are_no_conflict(install: Install) -> None:
    install("rescompile_twice", GOOD.format(name="twice"), "twice = rescompile_twice:backend")
    assert get_backend("twice").title == "Text"
    assert not broken()


BROKEN = {
    "raises": ("1 / 0", "it cannot be imported", "ZeroDivisionError: division by zero"),
    "exits": ("raise SystemExit(3)", "it cannot be imported", "SystemExit: 3"),
    "wants": ("import no_such_module", "it cannot be imported", "No module named 'no_such_module'"),
    "empty": ("", "it cannot be imported", "has no attribute 'backend'"),
    "kind": (GOOD.replace("backend = Text()", "backend = Text"), "the class Text stands", ""),
    "bare": (
        "class A:\n    name = title = 'bare'\nbackend = A()",
        "it is no backend",
        "no UNSUPPORTED,",
    ),
    "dumb": (GOOD.replace("def emit", "def omit"), "it cannot be imported", "abstract"),
    "other": (GOOD.format(name="another"), "it calls itself 'another'", ""),
}


@pytest.mark.parametrize("entry", [True, False])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_backend_is_told_and_stops_no_other(
    install: Install, name: str, entry: bool
) -> None:
    text, reason, note = BROKEN[name]
    module = f"{name}_of_others" if entry else f"rescompile_{name}"
    text = text.format(name=name) if "{name}" in text else text
    install(module, text, *([f"{name} = {module}:backend"] if entry else []))
    said = fault(name)
    assert f"the backend '{name}' cannot be used: {reason}" in said
    assert note in said
    assert module in said

    for words in (("build", "mine.yaml"), ("verify", "mine.yaml"), ("watch", "mine.yaml")):
        done = run(*words, "-b", name)
        assert done.exit_code == 1
        assert done.output == said + "\n"
    done = run("build", "mine.yaml", "-q")
    assert done.exit_code == 0
    told = f"note: the backend '{name}' cannot be used: {reason}"
    assert (told in done.stderr) == (not entry)  # only a package can be one by default
    assert said in map(str.rstrip, map(render, broken()))
    done = run("convert", "missing.npz", "--spec", "resnet18", "-o", "out.npz")
    assert "there is no file 'missing.npz'" in done.output


def test_the_list_tells_what_is_broken(install: Install) -> None:
    install("rescompile_lost", "1 / 0")
    said = fault("lost")
    assert said in run("list").stdout
    assert said in run("list", "--format", "markdown").stdout
    (found,) = listed()["broken"]
    assert found["code"] == "E009"


def test_two_that_claim_a_name(install: Install) -> None:
    install("first", GOOD.format(name="mine"), "mine = first:backend")
    install("second", GOOD.format(name="mine"), "mine = second:backend", site="other")
    said = fault("mine")
    assert "2 distributions claim the name" in said
    assert "first has the entry point 'mine = first:backend'" in said
    assert "second has the entry point 'mine = second:backend'" in said
    assert backend_names().count("mine") == 1
    assert run("build", "mine.yaml", "-q").exit_code == 0


def test_a_package_comes_before_an_entry_point(install: Install) -> None:
    name = FOUND[0]
    own = get_backend(name)
    install("usurper", GOOD.format(name=name), f"{name} = usurper:backend")
    assert get_backend(name) is own
    (found,) = broken()
    assert "comes first" in found.message
    assert found.notes == (f"usurper has the entry point '{name} = usurper:backend'",)


@pytest.mark.parametrize("name", ["Mine", "../up", "a-b", "1st"])
def test_a_name_that_is_none(install: Install, name: str) -> None:
    install("odd", GOOD.format(name=name), f"{name} = odd:backend")
    assert "small letters" in fault(name)


def test_what_a_class_does_not_say_it_has_not(install: Install) -> None:
    install("rescompile_says_little", GOOD.format(name="says_little"))
    found = get_backend("says_little")
    assert {"name", "title", "suffix", "trace", "runtime", "emit"} < set(MEMBERS)
    for member in MEMBERS:
        assert getattr(found, member) is not NotImplemented
    for part in (found.trace, found.runtime, found.preprocessing, found.files()):
        assert part is None
    assert not any((found.engines, found.requires, found.weight_files, found.by_default))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "mine.yaml", "-b", "mute"], "E402]: the Text backend has no runtime"),
        (["weights", "resnet18", "--preprocessing", "mute"], "E402]: the Text backend has no prep"),
        (
            ["convert", "w.npz", "--spec", "resnet18", "-o", "out.npz", "--to", "mute"],
            "E301]: 'out.npz' is no file of weights for Text",
        ),
    ],
)
def test_what_it_has_not_is_refused(install: Install, words: list[str], said: str) -> None:
    install("mute_backend", GOOD.format(name="mute"), "mute = mute_backend:backend")
    done = run(*words)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_live_model_needs_a_runtime(install: Install) -> None:
    import rescompile

    install("mute_backend", GOOD.format(name="mute"), "mute = mute_backend:backend")
    with pytest.raises(SpecError, match=r"E402.*the Text backend has no runtime"):
        rescompile.load("mine.yaml").module("mute")


CODE = """
import sys
from rescompile.cli import main
try:
    main(["build", "mine.yaml", "-q", *sys.argv[1:]])
except SystemExit as done:
    assert not done.code
print(*(m for m in sys.modules if m.endswith("_seen") or m == "rescompile.registry"))
"""


@pytest.mark.parametrize("words", [(), ("--backend", FOUND[0])])
def test_a_build_imports_no_module_behind_an_entry_point(
    install: Install, words: tuple[str, ...]
) -> None:
    site = install("module_seen", GOOD.format(name="seen"), "seen = module_seen:backend")
    path = os.pathsep.join([str(site), str(ROOT), str(ROOT / "backends")])
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "rescompile.registry\n"


@pytest.mark.parametrize("name", FOUND)
def test_those_here_fulfil_the_contract(name: str) -> None:
    target: Backend = get_backend(name)
    assert target.name == name
    assert target.suffix.startswith(".")
