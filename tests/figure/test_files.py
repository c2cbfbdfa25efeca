"""Pictures as files: every format, texts that would break out, `--open`, and what is refused."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import rescompile
from rescompile.cli import main
from rescompile.errors import SpecError
from rescompile.figure import figure
from rescompile.figure.tikz import escaped

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = """\
rescompile: 1
name: hostile
title: "</title><script>alert(1)</script> $x_1$ & \\\\end{document} % #~^ \\\\N x é"
input: {channels: 3, height: 8, width: 8}
stem:
  - conv: {channels: 4, kernel: 3}
"""
TEN = (
    *("resnet34", "inception_v3", "mobilenet_v3_large", "unet", "densenet121", "efficientnet_b7"),
    *("googlenet_aux", "shufflenet_v2_x1_0", "repvgg_a0", "resnet1202_cifar"),
)
needs_cairo = pytest.mark.skipif(
    importlib.util.find_spec("cairosvg") is None, reason="cairosvg is not installed"
)
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")


def run(*words: str) -> str:
    """What a command prints, which must be good."""
    done = CliRunner().invoke(main, ["figure", *words])
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: str) -> str:
    done = CliRunner().invoke(main, ["figure", *words])
    assert done.exit_code == 1
    return done.output


def test_svg_is_printed_where_no_file_is_named() -> None:
    assert run("resnet18") == rescompile.load("resnet18").figure().svg()


def test_svg_asks_for_nothing_from_elsewhere() -> None:
    svg = rescompile.load("inception_v3").figure().svg()
    assert re.findall(r"https?:[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert "@import" not in svg
    assert "<script" not in svg
    assert set(re.findall(r"url\(([^)]*)\)", svg)) == {"#arrow"}
    assert re.findall(r"font-family:([^;}]*)", svg) == ["sans-serif"]
    assert "prefers-color-scheme:dark" in svg


def test_boxes_have_ids_by_path_and_tell_more_on_hovering() -> None:
    root = ElementTree.fromstring(rescompile.load("resnet34").figure("paper").svg())
    boxes = {e.get("id"): e.findtext(f"{SVG}title") for e in root.iter(f"{SVG}g")}
    assert boxes["resnet34.layer2.0.conv1"] == (
        "layer2.0.conv1: 3x3 conv, 128, /2 -> 128 x 28 x 28"
    )
    assert boxes["resnet34.layer2.0.add"] == "projection shortcut: 1x1 conv, 128, /2"
    assert boxes["resnet34.layer2.1.add"] == "identity shortcut"


def test_texts_of_a_spec_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(HOSTILE)
    picture = rescompile.load(path).figure()
    root = ElementTree.fromstring(picture.svg())
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in (root.findtext(f"{SVG}title") or "")
    body = picture.tikz().partition(r"\begin{document}")[2]
    assert body.count(r"\end{document}") == 1
    assert escaped("a_b & 50% {x} ~^\\ <\u4e00>") == (
        r"a\_b \& 50\% \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{} "
        r"\textless{}?\textgreater{}"
    )


@pytest.mark.parametrize(
    "suffix", [".svg", ".tex", *(pytest.param(s, marks=needs_cairo) for s in (".pdf", ".png"))]
)
def test_a_suffix_chooses_the_format(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    assert run("resnet34", "-o", str(file)) == f"wrote {file}\n"
    begins = {
        ".svg": b"<svg",
        ".tex": b"% Drawn by rescompile: ResNet-34",
        ".pdf": b"%PDF",
        ".png": b"\x89PNG",
    }
    assert file.read_bytes().startswith(begins[suffix])
    other = tmp_path / f"b{suffix}"
    rescompile.load("resnet34").figure().save(other)
    assert suffix == ".pdf" or other.read_bytes() == file.read_bytes()  # a PDF has its date


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("style", ["folded", "paper"])
@pytest.mark.parametrize("name", TEN)
def test_tex_compiles(tmp_path: Path, name: str, style: str) -> None:
    if (name, style) == ("resnet1202_cifar", "paper"):
        pytest.skip("longer than the 5.7 metres that TeX can measure")
    run(name, "--style", style, "-o", str(tmp_path / "a.tex"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:].decode("latin-1")
    assert b"Output written on a.pdf (1 page" in done.stdout


def test_a_paper_by_hand_is_not_replaced(tmp_path: Path) -> None:
    paper = tmp_path / "paper.tex"
    paper.write_text("\\documentclass{article}\n")
    assert "it is a source" in refused("resnet18", "-o", str(paper))
    assert paper.read_text() == "\\documentclass{article}\n"
    run("resnet18", "-o", str(tmp_path / "a.tex"))
    run("resnet34", "-o", str(tmp_path / "a.tex"))


def test_a_folder_gets_a_file_a_network(tmp_path: Path) -> None:
    run("resnet18", "resnet34", "-o", str(tmp_path / "new"))
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["resnet18.svg", "resnet34.svg"]
    assert run("resnet18", "resnet34", "-o", str(tmp_path / "new"), "--check") == (
        "2 files up to date\n"
    )
    (tmp_path / "new/resnet34.svg").write_text("<svg/>")
    said = refused("resnet18", "resnet34", "-o", str(tmp_path / "new"), "--check")
    assert "resnet34.svg is stale" in said


def test_an_open_stage_has_its_blocks_one_by_one() -> None:
    closed, opened = (rescompile.load("resnet34").figure(open=o).scene for o in ((), ["layer3"]))
    assert len(opened.boxes) == len(closed.boxes) + 5
    texts = [" ".join(t.text for t in box.lines) for box in opened.boxes]
    assert texts.count("basic_block(channels=256)") == 5
    assert texts.count("basic_block(channels=256, stride=2)") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resnet34", "--open", "layer9"), "resnet34 has no stage 'layer9'"),
        (("resnet18", "resnet34", "-o", "both.svg"), "a folded figure is of one network"),
        (("resnet18", "-o", "a.bmp"), "there is no picture of the kind '.bmp'"),
        (("resnet18", "-o", "a.yaml"), "cannot write a picture to a.yaml"),
        (("resnet19",), "there is no spec named 'resnet19'"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert not list(tmp_path.iterdir())


def test_pdf_without_cairosvg_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cairosvg", None)
    with pytest.raises(SpecError, match=r"pip install 'rescompile\[figures\]'"):
        rescompile.load("resnet18").figure().pdf()


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(SpecError, match="there is no style 'papre'"):
        figure([rescompile.load("resnet18").analysis], "papre")
