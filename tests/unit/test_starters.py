"""`rescompile new`: what it writes builds at once, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rescompile.api import Architecture, open_spec
from rescompile.cli import main
from rescompile.cli.commands.new import LikeType, command
from rescompile.language import schema
from rescompile.language.format import canonical
from rescompile.language.load import zoo
from rescompile.registry import default_backends
from rescompile.starters import FOLDER, kinds


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def new(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["new", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("name", ["mine", "null", "Net_2"])
def test_a_starter_builds_at_once(kind: str, name: str) -> None:
    code, said = new(name, "--like", kind)
    assert code == 0
    assert said.endswith(f"next: rescompile build {name}.yaml\n")
    assert CliRunner().invoke(main, said.splitlines()[-1].split()[2:]).exit_code == 0
    for backend in default_backends():
        assert f"def {name}(" in Path("generated", backend, f"{name}.py").read_text("utf-8")
    text = Path(f"{name}.yaml").read_text("utf-8")
    assert canonical(text.encode(), "x") == text
    assert text.count("#") >= 3
    assert open_spec(f"{name}.yaml").warnings() == []


def schema_of(spec: str) -> Path:
    """The file that a spec's first line names."""
    first, _, name = Path(spec).read_text("utf-8").partition("\n")[0].partition("=")
    assert first == "# yaml-language-server: $schema"
    return Path(spec).parent / name


def test_an_editor_finds_the_schema() -> None:
    code, said = new("mine")
    assert code == 0
    assert "wrote rescompile.schema.json, which tells editors the language" in said
    assert schema_of("mine.yaml").read_text("utf-8") == schema.text()
    assert "schema" not in new("other")[1]
    Path("nets").mkdir()
    assert "schema" not in new("third", "-o", "nets")[1]
    assert schema_of("nets/third.yaml") == Path("nets/../rescompile.schema.json")
    Path("nets/schema.json").write_text(schema.text(), "utf-8")
    new("fourth", "-o", "nets")
    assert schema_of("nets/fourth.yaml") == Path("nets/schema.json")


def test_a_schema_of_others_is_neither_named_nor_replaced() -> None:
    for name in ("schema.json", "rescompile.schema.json"):
        Path(name).write_text("{}", "utf-8")
    assert new("mine")[1] == "wrote mine.yaml\nnext: rescompile build mine.yaml\n"
    assert "yaml-language-server" not in Path("mine.yaml").read_text("utf-8")
    assert Path("rescompile.schema.json").read_text("utf-8") == "{}"


def test_the_option_knows_every_kind() -> None:
    choice = next(option for option in command.params if option.name == "like").type
    assert isinstance(choice, LikeType)
    assert [*choice.words()] == [*kinds(), *zoo()]
    assert {path.suffix for path in FOLDER.iterdir() if path.is_file()} == {".py", ".yaml"}


@pytest.mark.parametrize(
    "name",
    ["class", "print", "__init__", "1st", "a-b", "a.b", "a/b", "../x", "n: 1", "", "n\u0430me"],
)
def test_a_bad_name_is_told(name: str) -> None:
    code, said = new("--", name)
    assert code == 1
    assert "error[E112]" in said
    assert "help:" in said
    assert not [*Path.cwd().iterdir()]


def test_nothing_is_overwritten() -> None:
    Path("mine.yaml").write_text("precious", "utf-8")
    Path("link.yaml").symlink_to("nowhere")
    for arguments in (["mine"], ["x", "-o", "mine.yaml"], ["link"]):
        code, said = new(*arguments)
        assert code == 1
        assert "already" in said
    assert Path("mine.yaml").read_text("utf-8") == "precious"
    assert not Path("nowhere").exists()


def test_another_place() -> None:
    assert new("mine", "-o", "deep/er/spec.yaml")[0] == 0
    assert new("mine", "-o", "deep")[0] == 0
    assert Path("deep/er/spec.yaml").read_bytes() == Path("deep/mine.yaml").read_bytes()


def told(made: Architecture, base: Architecture) -> set[str]:
    """What a network does otherwise; what its blocks are called is no matter."""
    groups = made.diff(base).groups
    return {change.what for group in groups for change in group.changes} - {"block"}


def layers(net: Architecture) -> int:
    return net.report("network").total.layers


# By default one of each family; the others are written alike.
FIRST = {path.parent: name for name, path in sorted(zoo().items(), reverse=True)}


@pytest.mark.parametrize(
    "like",
    [
        pytest.param(name, marks=() if name in FIRST.values() else pytest.mark.slow)
        for name in sorted(zoo())
    ],
)
def test_any_shipped_network_is_extended(like: str) -> None:
    """As it is written it is the base; and so it is with each suggestion that says what is so."""
    code, said = new("mine", "--like", like)
    assert code == 0, said
    text = Path("mine.yaml").read_text("utf-8")
    base = open_spec(like)
    assert not told(open_spec("mine.yaml"), base)
    for line in text.splitlines():
        suggested, _, _ = line.removeprefix("# ").partition("  #")
        if line.startswith(("# input", "# parameters", "# shortcut")):
            assert not told(open_spec(f"{text}\n{suggested}\n"), base), suggested
    stages = [line[2:] for line in text.splitlines() if line.startswith("#   ")]
    for stage in stages:
        made = open_spec(f"{text}\nstages:\n{stage}\n")
        if "null" in stage or "more:" in stage:
            assert layers(made) != layers(base), stage
        else:
            assert not told(made, base), stage


def test_what_is_no_network_is_told_with_what_was_meant() -> None:
    code, said = new("mine", "--like", "resnet5O")
    assert code == 1
    assert "there is nothing like 'resnet5O'" in said
    assert "resnet50" in said
