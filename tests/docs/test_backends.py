"""docs/backends.md: the backend that the page writes is installed, builds, draws, and conforms."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rescompile.api import open_spec
from rescompile.emit.contract import Backend

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/backends.md").read_text("utf-8")
FILES = dict(re.findall(r"```\w+\n# (\S+)\n(.*?)```", PAGE, re.S))
COMMANDS = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S)).splitlines()
SHOWN = re.findall(r"```text\n(.*?)```", PAGE, re.S)


def installed(folder: Path, project: Mapping[str, Any]) -> None:
    """Write what pip would: the metadata of a distribution, with its entry points."""
    name = project["name"].replace("-", "_")
    made = folder / f"{name}-0.1.dist-info"
    made.mkdir()
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
    (made / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, in one with the page's module, its metadata and rescompile's."""
    site = tmp_path_factory.mktemp("site")
    (site / "network_dot.py").write_text(FILES["network_dot.py"], "utf-8")
    for text in (FILES["pyproject.toml"], (ROOT / "pyproject.toml").read_text("utf-8")):
        installed(site, tomllib.loads(text)["project"])
    folder = site / "work"
    folder.mkdir()
    return folder


def said(words: Sequence[str | Path], place: Path, environment: Mapping[str, str]) -> str:
    """What a command prints, which must succeed."""
    done = subprocess.run(
        words,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def run(line: str, place: Path) -> str:
    """What one of the page's commands prints."""
    words = shlex.split(line)
    words = words[1:] if words[0] == "python" else ["-m", *words]
    path = os.pathsep.join([str(place.parent), str(ROOT), str(ROOT / "backends")])
    return said([sys.executable, *words], place, {**os.environ, "PYTHONPATH": path})


def test_the_page_installs_and_builds(place: Path) -> None:
    install, listed, build, tested = COMMANDS
    assert install == "python -m pip install ."
    assert "dot    Graphviz DOT  no          no      no    .dot" in run(listed, place)
    assert [run(build, place)] == SHOWN
    assert "--pyargs rescompile.conformance --backend dot" in tested
    assert len(FILES["network_dot.py"].splitlines()) < 100


@pytest.mark.parametrize("spec", ["resnet20_cifar", "googlenet", "shufflenet_v2_x0_5"])
def test_the_drawing_is_the_network(spec: str, place: Path) -> None:
    """As many nodes of each operation and join as there are, and every node on a way to the end."""
    run(f"rescompile build {spec} --backend dot -q", place)
    text = (place / f"generated/dot/{spec}.dot").read_text("utf-8")
    labels = dict(re.findall(r'^ +(\d+) \[label="(.*)"\]$', text, re.M))
    edges = re.findall(r"^ +(\d+) -> (\d+)$", text, re.M)
    found = Counter(label.split("\\n")[0].split()[0] for label in labels.values())
    wanted = Counter(trace.op.word for _, trace in open_spec(spec).analysis.elaborated.flat())
    joins = {"add", "concat", "multiply", "share", "input", "output"}
    assert {word: n for word, n in found.items() if word not in joins} == wanted
    assert found["input"] == found["output"] == 1
    assert (found["add"], found["concat"]) == {
        "resnet20_cifar": (9, 0),
        "googlenet": (0, 9),
        "shufflenet_v2_x0_5": (0, 16),
    }[spec]
    inward, outward = Counter(b for _, b in edges), Counter(a for a, _ in edges)
    for node, label in labels.items():
        joined = label.startswith(("add", "concat"))
        assert (inward[node] > 1) == joined, label
        assert (inward[node] == 0) == label.startswith("input\\n"), label
        assert (outward[node] == 0) == label.startswith("output\\n"), label


def test_it_conforms(place: Path) -> None:
    told = run(f"{COMMANDS[-1]} -q -p no:cacheprovider -p no:xdist", place)
    assert re.search(r"\b\d{3} passed", told), told
    assert "failed" not in told


@pytest.mark.slow
def test_pip_installs_it_beside_a_wheel_of_rescompile(tmp_path: Path) -> None:
    """All commands of the page, in an environment that has nothing else."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def do(*words: str | Path, cwd: Path = tmp_path) -> str:
        return said(words, cwd, clean)

    do(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    do(sys.executable, "-m", "venv", "own")
    bin = tmp_path / "own" / ("Scripts" if os.name == "nt" else "bin")
    do(bin / "python", "-m", "pip", "install", "-q", f"{wheel}[conformance]")
    page = tmp_path / "page"
    page.mkdir()
    for name, text in FILES.items():
        (page / name).write_text(text, "utf-8")
    install, listed, build, tested = (
        [bin / w for w in line.split()[:1]] + line.split()[1:] for line in COMMANDS
    )
    do(*install, cwd=page)
    (empty := tmp_path / "empty").mkdir()
    assert "dot    Graphviz DOT" in do(*listed, cwd=empty)
    assert [do(*build, cwd=empty)] == SHOWN
    told = do(*tested, "-q", "-p", "no:cacheprovider", cwd=empty)
    assert re.search(r"\b\d{3} passed", told), told


def test_a_backend_that_drops_an_attribute_does_not_conform(place: Path) -> None:
    module = place.parent / "network_dot.py"
    text = module.read_text("utf-8")
    assert "if value != usual" in text
    module.write_text(text.replace("if value != usual", "if name != 'epsilon'"), "utf-8")
    try:
        with pytest.raises(AssertionError, match="epsilon"):
            run(f"{COMMANDS[-1]} -q -p no:cacheprovider -k attribute", place)
    finally:
        module.write_text(text, "utf-8")


def test_the_table_names_parts_of_the_contract() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    assert {"trace", "runtime", "suffix", "by_default"} <= set(rows)
    assert all(hasattr(Backend, part) for part in rows)


def test_the_files_that_it_points_to_are_there() -> None:
    named = set(re.findall(r"\b(?:rescompile|backends)(?:_\w+)?/[\w./]*\w", PAGE))
    assert len(named) > 12
    for path in named:
        assert (ROOT / path).exists() or (ROOT / "backends" / path).exists(), path
