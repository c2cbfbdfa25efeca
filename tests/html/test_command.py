"""`rescompile report` writes pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.html import page

from ..conftest import Write


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["report", *words])


def test_the_suffix_makes_a_page() -> None:
    for target in ("page.html", "page.htm", "deep/PAGE.HTML"):
        done = run("resnet18", "-o", target)
        assert (done.exit_code, done.output) == (0, f"wrote {target}\n")
        assert Path(target).read_text("utf-8") == page([open_spec("resnet18")])


def test_a_page_can_be_printed() -> None:
    assert run("resnet18", "--format", "html").output == page([open_spec("resnet18")])


def test_several_networks_and_versus_are_compared() -> None:
    nets, other = [open_spec("resnet18"), open_spec("resnet34")], open_spec("vgg11")
    done = run("resnet18", "resnet34", "--versus", "vgg11", "--format", "html")
    assert done.output == page(nets, other)


def test_a_folder_stands_for_its_networks(write: Write) -> None:
    for name in ("one", "two"):
        write(f"name: {name}\nextends: resnet18\n", f"nets/{name}", head="rescompile: 1\n")
    done = run("nets", "-o", "page.html")
    assert done.exit_code == 0
    assert "<h1>one and two</h1>" in Path("page.html").read_text("utf-8")


def test_against_a_third_several_are_a_page() -> None:
    done = run("resnet18", "resnet34", "--versus", "vgg11")
    assert done.exit_code == 2
    assert "of several it makes a page" in done.output


@pytest.mark.parametrize("words", [("--wide",), ("--columns", "macs")])
def test_a_page_has_no_columns_to_choose(words: tuple[str, ...]) -> None:
    done = run("resnet18", "-o", "page.html", *words)
    assert done.exit_code == 2
    assert "HTML has every table" in done.output


@pytest.mark.parametrize("words", [("--sort", "macs"), ("--where", "macs < 1")])
def test_a_page_has_all_networks_and_sorts_itself(words: tuple[str, ...]) -> None:
    done = run("resnet18", "resnet34", "-o", "page.html", *words)
    assert done.exit_code == 2
    assert "--sort and --where are for tables" in done.output


def test_all_that_is_wrong_is_told_and_nothing_written(write: Write) -> None:
    for name in ("here", "there"):
        write("stages: []\n", name)
    done = run("here.yaml", "resnet18", "--versus", "there.yaml", "-o", "page.html")
    assert done.exit_code == 1
    assert "here.yaml" in done.output
    assert "there.yaml" in done.output
    assert not Path("page.html").exists()


def test_a_spec_is_never_replaced(write: Write) -> None:
    spec = write("extends: resnet18\nname: mine\n", head="rescompile: 1\n")
    before = spec.read_bytes()
    assert run("mine.yaml", "--format", "html", "-o", "mine.yaml").exit_code == 1
    assert spec.read_bytes() == before


def test_what_is_changed_for_once_is_changed_for_all() -> None:
    done = run("resnet18", "--versus", "vgg11", "--size", "64", "--format", "html")
    assert done.output == page([open_spec("resnet18", size=64)], open_spec("vgg11", size=64))
