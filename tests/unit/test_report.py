"""The rows of a report and its four formats."""

from __future__ import annotations

import csv
import io
import json

import pytest

from rescompile.api import open_spec
from rescompile.cost.breakdown import VIEWS
from rescompile.cost.cost import Cost, network_cost
from rescompile.cost.report import Report, report, stage_rows
from rescompile.expr.dims import Var
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import (
    Branch,
    Call,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Node,
    Residual,
    Where,
)
from rescompile.ir.structure import Block, Form, Network, Param, Stage
from rescompile.ir.trace import Elaborated
from rescompile.language.load import find, load
from rescompile.lower import lower
from rescompile.ops import BatchNorm, Conv, Dropout, Flatten, Linear, MaxPool, Relu
from rescompile.table import FORMATS, USUAL

from ..conftest import Write

C = Var("channels")
CONV3 = Conv(C, (3, 3), (1, 1), (1, 1, 1, 1))
PARAMS = (Param("channels"),)
POOL = Layer(MaxPool((2, 2), (2, 2)))
BLOCKS = {
    "unit": Block("unit", Form.MODULE, (Layer(CONV3, "conv"), Layer(Relu(), "relu")), PARAMS),
    "down": Block("down", Form.INLINE, (Layer(CONV3), Layer(Relu()), POOL), PARAMS),
    "units": Block(
        "units",
        Form.SEQUENCE,
        (Call("unit", (("channels", C),), repeat=3, children="unit{n}"),),
        PARAMS,
    ),
    "dense": Block(
        "dense",
        Form.MODULE,
        (
            Join(
                JoinKind.CONCAT,
                (Branch(()), Branch((Call("unit", (("channels", C),), "unit"),))),
                "concat",
            ),
        ),
        PARAMS,
    ),
}


def call(block: str, channels: int, name: str | None = None, repeat: int | None = None) -> Call:
    return Call(block, (("channels", channels),), name, repeat)


def conv(channels: int, name: str | None = None) -> Layer:
    return Layer(Conv(channels, (1, 1)), name)


def net(**stages: tuple[Node, ...]) -> Elaborated:
    made = tuple(Stage(label, body) for label, body in stages.items())
    return elaborate(
        Network("net", {"input": (3, 16, 16)}, made, BLOCKS, title="A | net", source="x\x1b[1m")
    )


def names(elaborated: Elaborated, by: str) -> list[str]:
    return [row.name for row in report(elaborated, by).rows]


@pytest.fixture
def opened() -> Elaborated:
    body = (
        conv(4, "conv0"),
        Layer(BatchNorm(), "norm0"),
        call("units", 8, "denseblock1"),
        conv(4, "transition"),
        call("unit", 8, repeat=2),
        call("down", 16),
        call("down", 32),
        Loop(2, (call("dense", 8),)),
        Layer(Relu(), "last"),
    )
    head = (Group((Layer(Flatten()), Layer(Dropout(0.5)), Layer(Linear(10))), "classifier"),)
    return net(features=(Group(body, "features"),), head=head)


def test_a_stage_of_one_group_is_opened(opened: Elaborated) -> None:
    rows = stage_rows(opened)
    assert [(row.name, row.blocks) for row in rows] == [
        ("features.conv0-norm0", 1),
        ("features.denseblock1", 3),
        ("features.transition", 1),
        ("features.4-5", 2),
        ("features.6-8", 1),
        ("features.9-11", 1),
        ("features.12-13", 2),
        ("features.last", 1),
        ("head", 1),
    ]
    assert rows[4].what == "conv, relu, max_pool"
    assert rows[1].what == "units"
    assert rows[-1].output == (10,)


def test_blocks_are_opened_where_they_only_repeat(opened: Elaborated) -> None:
    rows = report(opened, "block").rows
    assert [row.name for row in rows] == [
        "features.conv0-norm0",
        "features.denseblock1.unit1",
        "features.denseblock1.unit2",
        "features.denseblock1.unit3",
        "features.transition",
        "features.4",
        "features.5",
        "features.6-8",
        "features.9-11",
        "features.12",
        "features.13",
        "features.last",
        "classifier",
    ]
    assert rows[1].what == "unit(channels=8)"
    assert rows[7].what == "down(channels=16)"


def test_layers_have_the_paths_of_the_flat_view(opened: Elaborated) -> None:
    rows = report(opened, "layer").rows
    flat = [".".join(path) for path, _ in opened.flat()]
    assert [row.name for row in rows if not row.name.endswith("concat")] == flat
    assert [row.output for row in rows if row.name.endswith("concat")] == [(40, 4, 4), (48, 4, 4)]


@pytest.mark.parametrize("by", VIEWS)
def test_rows_add_up_and_end_alike(opened: Elaborated, by: str) -> None:
    for elaborated in (opened, _resnet34()):
        found = report(elaborated, by)
        assert sum((row.cost for row in found.rows), Cost()) == network_cost(elaborated)
        whole = report(elaborated, "network").rows[0]
        assert found.rows[-1].field.size == whole.field.size
        assert found.rows[-1].output == elaborated.output


def test_a_plain_stage_keeps_its_label() -> None:
    found = net(stem=(conv(4, "a"), conv(8, "b")), tail=(Group((conv(4), conv(8)), "tail_"),))
    assert names(found, "stage") == ["stem", "tail"]
    assert names(found, "block") == ["stem", "tail_"]
    assert names(found, "layer") == ["a", "b", "tail_.0", "tail_.1"]


def test_a_group_of_inline_calls_is_opened() -> None:
    found = net(features=(Group((call("down", 8), call("down", 16)), "features"),))
    assert names(found, "stage") == names(found, "block") == ["features.0-2", "features.3-5"]


def test_empty_stages_have_no_row() -> None:
    off = Layer(Relu(), "relu", when=False)
    assert names(net(stem=(conv(4, "a"),), off=(off,)), "stage") == ["stem"]


def test_a_shortcut_is_no_depth_in_layers() -> None:
    node = Residual((conv(4, "b"),), (conv(4, "s"),), Where.ALWAYS, (conv(4, "a"),), name="add")
    rows = report(net(all=(node,)), "layer").rows
    depth = [(row.name, row.cost.layers, row.cost.weighted_layers) for row in rows]
    assert depth == [("a", 1, 1), ("s", 0, 1), ("b", 1, 1), ("add", 0, 0)]


def _resnet34() -> Elaborated:
    return elaborate(lower(load(find("resnet34"))))


MACS = (
    "118,013,952",
    "693,633,024",
    "873,463,808",
    "1,335,885,824",
    "642,252,800",
    " 512,000",
    "3,663,761,408",
)
STAGES = """\
stem conv, batch_norm, relu, max_pool 64 x 56 x 56 1 9,536 128 118,013,952 3.22
layer1 basic_block x 3 64 x 56 x 56 6 221,952 768 693,633,024 18.93
layer2 basic_block x 4 128 x 28 x 28 8 1,116,416 2,304 873,463,808 23.84
layer3 basic_block x 6 256 x 14 x 14 12 6,822,400 6,656 1,335,885,824 36.46
layer4 basic_block x 3 512 x 7 x 7 6 13,114,368 7,168 642,252,800 17.53
head global_avg_pool, linear 1000 1 513,000 0 512,000 0.01
total 34 21,797,672 17,024 3,663,761,408 100.00
"""


def test_text() -> None:
    text = report(_resnet34()).text()
    lines = text.splitlines()
    assert lines[0] == "ResNet-34"
    assert "input 3 x 224 x 224, output 1000, 34 layers deep (37 with weights in all)" in lines
    assert "3,663,761,408 MACs (3.66 G), 7.33 G FLOPs" in lines
    assert any("multiply-adds" in line and "FLOPs = 2 x MACs" in line for line in lines)
    table = [" ".join(line.split()) for line in lines]
    for row in STAGES.splitlines():
        assert any(found.startswith(row) for found in table), row
    rows = lines[lines.index(next(line for line in lines if line.startswith("stem"))) :]
    ends = {line.index(n) + len(n) for line, n in zip(rows, MACS, strict=True)}
    assert len(ends) == 1
    assert not any(line != line.rstrip() for line in lines)
    assert text.endswith("\n")


def test_each_of_several_outputs_is_named(write: Write) -> None:
    head = "rescompile: 1\nextends: resnet50\nname: mine\n"
    path = write("head: []\noutputs: [layer4, layer2]\n", head=head)
    shown = open_spec(path).report()
    line = "input 3 x 224 x 224, outputs layer4 2048 x 7 x 7, layer2 512 x 28 x 28, 49 layers deep"
    assert line in shown.text()
    assert line in shown.markdown()
    assert json.loads(shown.json())["outputs"] == {"layer4": [2048, 7, 7], "layer2": [512, 28, 28]}
    one = open_spec(write("head: []\noutputs: [layer4]\n", head=head)).report()
    assert "output layer4 2048 x 7 x 7, 49 layers" in one.text()


def test_markdown_means_what_it_says(opened: Elaborated) -> None:
    lines = report(opened).markdown().splitlines()
    assert lines[0] == "# A \\| net"
    table = [line for line in lines if line.startswith("| ")]
    assert len(table) == 2 + 9 + 1
    assert {line.replace("\\|", "").count("|") for line in table} == {14}
    assert any("batch\\_norm" in line for line in table)


def test_json_has_units_and_convention() -> None:
    data = json.loads(report(_resnet34()).json())
    assert data["convention"]["flops"] == "2 x macs"
    assert set(data["total"]) <= set(data["convention"]) | {"conv_macs", "linear_macs"}
    layer1 = data["rows"][1]
    assert layer1 == {
        "name": "layer1",
        "description": "basic_block x 3",
        "blocks": 3,
        "output_shape": [64, 56, 56],
        "layers": 6,
        "weighted_layers": 6,
        "parameters": 221952,
        "other_parameters": 768,
        "macs": 693633024,
        "conv_macs": 693633024,
        "linear_macs": 0,
        "flops": 1387266048,
        "activation_bytes": 16859136,
        "weights_bytes": 890880,
        "macs_share_percent": 18.9323,
        "receptive_field_px": [59, 59],
        "stride_px": [4, 4],
    }
    assert data["rows"][-1]["receptive_field_px"] == "full"
    assert data["rows"][-1]["stride_px"] is None


def test_csv_is_exact() -> None:
    rows = list(csv.DictReader(io.StringIO(report(_resnet34(), "layer").csv())))
    assert rows[0]["name"] == "conv1"
    assert rows[0]["output_shape"] == "64x112x112"
    assert rows[0]["receptive_field_px"] == "7x7"
    assert sum(int(row["macs"]) for row in rows) == 3663761408
    assert sum(int(row["parameters"]) for row in rows) == 21797672


def test_control_characters_do_not_reach_the_terminal(opened: Elaborated) -> None:
    assert "\x1b" not in report(opened).text() + report(opened).markdown()


@pytest.mark.parametrize("name", FORMATS)
def test_formats(opened: Elaborated, name: str) -> None:
    found = report(opened)
    assert isinstance(found, Report)
    assert FORMATS[name].render(found, USUAL) == getattr(found, name)()
    assert getattr(found, name)().endswith("\n")
