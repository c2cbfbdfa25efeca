"""Charts: names that stand apart, the same bytes each time, and what cannot be drawn is told."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import rescompile
from rescompile.chart import Chart, chart, save
from rescompile.chart.quantities import QUANTITIES, quantity
from rescompile.cli import main
from rescompile.cost.report import columns
from rescompile.errors import SpecError
from rescompile.language.load import zoo

matplotlib = pytest.importorskip("matplotlib")
FEW = ("resnet18", "resnet34", "plain34", "vgg16", "alexnet")
FACTS = Path(__file__).parents[1] / "facts"
LATER = [
    json.loads((FACTS / f"{name}.json").read_text("utf-8"))
    for name in ("timm", "axes", "segmentation", "decoders")
]
# A hundred networks for images; with timm's there is no room for every name.
OTHERS = ("alexnet_2012", "googlenet_2014")
CROWD = sorted(set(zoo()).difference(*LATER, OTHERS))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["plot", *words])


def texts(made: Chart) -> dict[str, Any]:
    """The names that are drawn, as texts of matplotlib."""
    return {text.get_text(): text for text in made.figure.axes[0].texts if text.get_text()}


def boxes(made: Chart, dpi: float) -> Iterator[Any]:
    """What each name takes when the figure is drawn at so many dots to the inch."""
    made.figure.set_dpi(dpi)
    made.figure.canvas.draw()
    renderer = made.figure.canvas.get_renderer()
    for text in texts(made).values():
        yield text.get_window_extent(renderer)


@pytest.fixture(scope="module")
def all_of_them() -> Chart:
    return chart(CROWD, color="family", log=True)


def test_a_hundred_networks_have_a_point_and_a_name_each(all_of_them: Chart) -> None:
    assert len(CROWD) > 100
    assert (all_of_them.unnamed, all_of_them.absent) == ((), ())
    assert set(texts(all_of_them)) == set(CROWD)
    ax = all_of_them.figure.axes[0]
    assert sum(len(group.get_offsets()) for group in ax.collections) == len(CROWD)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == sorted(
        {zoo()[name].parent.name for name in CROWD} - {"specs"} | {"resnet", "plain"}
    )


@pytest.mark.parametrize("dpi", [72, 100, 200])
def test_no_two_names_overlap(all_of_them: Chart, dpi: float) -> None:
    found = list(boxes(all_of_them, dpi))
    assert len(found) == len(CROWD)
    assert not [1 for a, b in combinations(found, 2) if a.overlaps(b)]
    frame = all_of_them.figure.axes[0].get_window_extent()
    for box in found:
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1


def test_no_name_is_over_a_point(all_of_them: Chart) -> None:
    ax = all_of_them.figure.axes[0]
    found = list(boxes(all_of_them, 100))
    centres = [ax.transData.transform((p.x, p.y)) for p in all_of_them.points]
    assert not [1 for box in found for x, y in centres if box.contains(x, y)]


def test_names_that_have_no_room_are_told() -> None:
    made = chart(CROWD)  # not logarithmic: most stand in one corner
    assert made.unnamed
    assert set(texts(made)) == set(CROWD) - set(made.unnamed)
    found = list(boxes(made, 100))
    assert not [1 for a, b in combinations(found, 2) if a.overlaps(b)]
    assert made.notes() == [f"no room for the names of {', '.join(made.unnamed)}"]


def test_a_point_is_where_its_figures_are() -> None:
    made = chart(FEW, x="MACs", y="weights_bytes")
    point = next(point for point in made.points if point.name == "resnet34")
    assert (point.x, point.y) == (3_663_761_408, 87_258_784)
    assert point.label == "ResNet-34"
    ax = made.figure.axes[0]
    assert ax.get_xlabel() == "multiply-adds, batch 1 (G)"
    assert ax.get_ylabel() == "weights, float32 (MB)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")


@pytest.mark.parametrize(
    ("log", "wanted"),
    [(True, ("log", "log")), ("x", ("log", "linear")), ("y", ("linear", "log"))],
)
def test_logarithmic_axes(log: bool | str, wanted: tuple[str, str]) -> None:
    ax = rescompile.plot(FEW, log=log).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == wanted


def test_every_figure_of_a_report_can_be_drawn() -> None:
    whole = {"name", "description", "output_shape", "blocks", "macs_share_percent"}
    assert set(QUANTITIES) == {column.key for column in columns("stage")} - whole
    net = rescompile.load("resnet34")
    values = {key: found.value(net) for key, found in QUANTITIES.items()}
    assert values["receptive_field_px"] == 899
    assert values["stride_px"] == 32
    assert values["layers"] == 34
    for column in columns("stage"):
        if column.key in QUANTITIES:
            assert quantity(column.head).key == quantity(column.key.upper()).key == column.key


def test_a_network_without_a_figure_is_told() -> None:
    made = chart(["resnet18", "squeezenet1_0"], x="linear_macs", log="x")
    assert made.absent == ("squeezenet1_0",)
    assert made.notes() == ["without linear_macs or parameters to draw: squeezenet1_0"]
    with pytest.raises(SpecError, match="nothing to draw") as caught:
        chart(["squeezenet1_0"], x="linear_macs", log=True)
    assert caught.value.diagnostics[0].help == "a logarithmic axis has no zero"


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_file_is_the_same_bytes_whatever_the_settings(suffix: str) -> None:
    first, second = Path(f"one.{suffix}"), Path(f"two.{suffix}")
    save(chart(FEW, color="family").figure, first)
    with matplotlib.rc_context({"font.size": 20, "axes.grid": False, "svg.fonttype": "none"}):
        save(chart(FEW, color="family").figure, second)
        assert matplotlib.rcParams["font.size"] == 20
    assert first.read_bytes() == second.read_bytes()
    assert not re.search(rb"20\d\d-\d\d-\d\dT", first.read_bytes())


def test_text_of_a_spec_is_text() -> None:
    Path("mine.yaml").write_text(
        "rescompile: 1\nextends: resnet18\nname: mine\ntitle: a $x^2$ \\u202e\x7f_{\n".replace(
            "\x7f", ""
        ),
        "utf-8",
    )
    assert r"a $x^2$ \u202e_{" in texts(chart(["mine.yaml"]))


def test_networks_of_one_title_have_their_names() -> None:
    for name in ("one", "two"):
        text = f"rescompile: 1\nextends: resnet18\nname: {name}\ntitle: Same\n"
        Path(f"{name}.yaml").write_text(text, "utf-8")
    assert set(texts(chart(["one.yaml", "two.yaml", "one.yaml"]))) == {"one", "two"}


def test_the_command() -> None:
    done = run(*FEW, "--color", "family", "--log-x", "-o", "deep/er.pdf")
    assert (done.exit_code, done.output) == (0, "wrote deep/er.pdf\n")
    assert Path("deep/er.pdf").read_bytes().startswith(b"%PDF")
    assert run(*FEW).output == "wrote plot.svg\n"
    assert Path("plot.svg").read_text("utf-8").startswith("<?xml")
    assert run(*FEW, "--x", "linear_macs", "squeezenet1_0", "--log").stderr.startswith(
        "note: without"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--x", "mac"), "E005", "did you mean 'macs'?"),
        (("--y", "name"), "E005", "networks have no figure 'name'"),
        (("-o", "plot.gif"), "E006", "known: .svg, .png, .pdf"),
        (("-o", "plot"), "E006", "known: .svg, .png, .pdf"),
        (("resnet1",), "E001", "there is no spec named 'resnet1'"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], code: str, said: str) -> None:
    done = run("resnet18", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"error[{code}]" in done.stderr
    assert said in done.stderr
    assert not list(Path().iterdir())


def test_a_colour_of_another_name() -> None:
    with pytest.raises(SpecError, match="no colour by 'famly'"):
        rescompile.plot(FEW, color="famly")


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run("resnet18")
    assert done.exit_code == 1
    assert "error[E004]: matplotlib is not installed" in done.stderr
    assert 'pip install "rescompile[plot]"' in done.stderr
