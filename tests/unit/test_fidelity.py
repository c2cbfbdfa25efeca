"""The fidelity lint: each warning where it is due, and none where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.conformance.networks import compiled
from rescompile.errors import SpecError
from rescompile.language.load import zoo
from rescompile.lint.rules import RULES
from rescompile.registry import backend_names

from ..conftest import Write

CONV = "conv: {channels: 8, kernel: 3}"
NORM = "norm: {}"
ACT = "activation: {}"
HEAD = [NORM, ACT, "global_avg_pool: {}", "linear: {features: $classes}"]


def listed(steps: list[str], indent: int) -> str:
    return "".join(f"{' ' * indent}- {step}\n" for step in steps)


def residual(branch: list[str], shortcut: str = "identity", pre: list[str] | None = None) -> str:
    """A network with one residual of 8 channels, repeated three times."""
    before = f"          preactivation:\n{listed(pre, 12)}" if pre else ""
    return (
        "blocks:\n  unit:\n    body:\n      - residual:\n"
        f"{before}          branch:\n{listed(branch, 12)}          shortcut: {shortcut}\n"
        f"stem: [{{{CONV}}}]\nstages:\n  - {{name: s1, block: unit, repeat: 3}}\n"
        f"head:\n{listed(HEAD, 2)}"
    )


def plain(steps: list[str]) -> str:
    return f"stages:\n{listed(steps, 2)}"


def bottleneck(first: int, second: int, groups: int = 1, narrow: int = 4) -> str:
    branch = [
        f"conv: {{channels: {narrow}, kernel: 1, stride: {first}}}",
        ACT,
        f"conv: {{channels: {narrow}, kernel: 3, stride: {second}, groups: {groups}}}",
        ACT,
        "conv: {channels: 8, kernel: 1}",
    ]
    return residual(branch, "projection").replace(", repeat: 3", "")


GOOD = residual([CONV, NORM, ACT, CONV, NORM])
CASES = {
    "the stride on the 3x3 of a bottleneck": (bottleneck(1, 2), ["F101"]),
    "the stride on the first 1x1": (bottleneck(2, 1), []),
    "no stride at all": (bottleneck(1, 1), []),
    "the stride on a 3x3 in groups, as ResNeXt has it": (bottleneck(1, 2, groups=2), []),
    "an inverted residual": (bottleneck(1, 2, narrow=16), []),
    "a single convolution": (residual([CONV]), ["F102"]),
    "a single convolution and its norm": (residual([CONV, NORM]), ["F102"]),
    "a single convolution of a rectified input": (residual([CONV], pre=[NORM, ACT]), []),
    "a single convolution, rectified": (residual([CONV, "activation: {kind: tanh}"]), []),
    "two convolutions": (GOOD, []),
    "a projection of what keeps its shape": (
        residual([CONV, NORM, ACT, CONV, NORM], "projection_always"),
        ["F103"],
    ),
    "a projection where the shape changes": (
        residual([CONV, NORM, ACT, CONV, NORM], "projection"),
        [],
    ),
    "a bias before a batch norm": (
        plain(["conv: {channels: 8, kernel: 3, bias: true}", NORM]),
        ["F104"],
    ),
    "a bias before a layer norm, which takes the mean over channels": (
        plain(["conv: {channels: 8, kernel: 3, bias: true}", "norm: {kind: layer}"]),
        [],
    ),
    "a bias before an activation": (
        plain(["conv: {channels: 8, kernel: 3, bias: true}", ACT, NORM]),
        [],
    ),
    "a ReLU before the addition": (residual([CONV, NORM, ACT, CONV, NORM, ACT]), ["F105"]),
    "a tanh before the addition": (
        residual([CONV, NORM, ACT, CONV, NORM, "activation: {kind: tanh}"]),
        [],
    ),
    "two 3x3 convolutions with a norm between": (residual([CONV, NORM, CONV, NORM]), ["F106"]),
    "a 3x3 convolution in groups after one of all channels": (
        plain([CONV, "conv: {channels: 8, kernel: 3, groups: 2}", ACT]),
        [],
    ),
    "a 3x3 convolution of all channels after one in groups": (
        plain([CONV, ACT, "conv: {channels: 8, kernel: 3, groups: 2}", CONV, ACT]),
        [],
    ),
    "a 3x3 convolution after a depthwise one": (
        plain([CONV, ACT, "depthwise_conv: {kernel: 3}", CONV, ACT]),
        [],
    ),
    "a 3x1 and a 1x3 convolution": (
        plain(["conv: {channels: 8, kernel: [3, 1]}", "conv: {channels: 8, kernel: [1, 3]}"]),
        [],
    ),
    "a depthwise and a pointwise convolution": (
        plain(["depthwise_conv: {kernel: 3}", "conv: {channels: 8, kernel: 1}", ACT]),
        [],
    ),
    "pre-activation blocks and then a norm and an activation": (
        residual([CONV, NORM, ACT, CONV], pre=[NORM, ACT]),
        [],
    ),
    "pre-activation blocks and then the classifier": (
        residual([CONV, NORM, ACT, CONV], pre=[NORM, ACT]).replace(listed(HEAD[:2], 2), ""),
        ["F107"],
    ),
    "blocks that normalise first but rectify later": (
        residual([NORM, CONV, ACT, CONV]).replace(listed(HEAD[:2], 2), ""),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_warning_where_it_is_due(case: str, write: Write) -> None:
    text, codes = CASES[case]
    found = [one for one in open_spec(write(text)).warnings() if one.code != "F203"]
    assert [warning.code for warning in found] == codes  # once, though the block is repeated
    for warning in found:
        assert warning.location is not None
        assert warning.location.file.endswith("mine.yaml")
        assert warning.severity == "warning"
        assert warning.notes[-1] == RULES[warning.code].source


def test_every_rule_has_a_case() -> None:
    """But for those of what no step takes, which test_unread.py has."""
    papers = {code for code in RULES if code.startswith("F1")}
    assert {code for _, codes in CASES.values() for code in codes} == papers


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_shipped_specs_warn_of_nothing(spec: str) -> None:
    """Those that deviate on purpose say so by `allow`."""
    assert compiled(spec).warnings() == []


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_shipped_specs_allow_only_what_they_need(spec: str, tmp_path: Path) -> None:
    text = zoo()[spec].read_text("utf-8")
    own = [line for line in text.splitlines() if line.startswith("allow:")]
    if not own:
        return
    (tmp_path / f"{spec}.yaml").write_text(text.replace(own[0], "allow: []"), "utf-8")
    codes = {warning.code for warning in open_spec(tmp_path / f"{spec}.yaml").warnings()}
    assert codes == set(compiled(spec).document.spec.allow)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("resnet50", "resnet50_v1_5"),
        ("resnet101", "resnet101_v1_5"),
        ("resnet152", "resnet152_v1_5"),
        ("resnet50_v1_5", ""),
        ("resnet34", ""),
        ("resnet200", ""),
        ("se_resnet50", ""),
        ("preact_resnet50", ""),
        ("resnext50_32x4d", ""),
    ],
)
def test_a_note_where_torchvisions_weights_are_for_another_network(spec: str, meant: str) -> None:
    note = open_spec(spec).request.summary.note
    assert f"torchvision's weights are for {meant}, which" in note if meant else not note


def test_the_note_stands_in_what_is_emitted(write: Write) -> None:
    head = "rescompile: 1\nextends: resnet50\nname: mine\n"
    path = write("classes: 10\n", head=head)
    for backend in backend_names():
        source = open_spec(path).source(backend)
        assert "weights\nare for resnet50_v1_5, which has it on the 3x3.\n" in source
    renamed = write("head: {fc: {name: classifier}}\n", head=head)
    for backend in backend_names():  # no weights fit by name
        assert "resnet50_v1_5" not in open_spec(renamed).source(backend)


def test_the_place_is_the_step(write: Write) -> None:
    (warning,) = open_spec(write(residual([CONV, NORM, ACT, CONV, NORM, ACT]))).warnings()
    assert warning.location is not None
    lines = Path(write(residual([CONV, NORM, ACT, CONV, NORM, ACT]))).read_text().splitlines()
    assert lines[warning.location.line - 2 : warning.location.line] == [
        "            - norm: {}",
        "            - activation: {}",
    ]
    assert "in block 'unit', called as 's1'" in warning.notes[0]


def test_a_code_is_silenced_and_inherited(write: Write) -> None:
    path = write(bottleneck(1, 2) + "allow: [F101]\n")
    assert open_spec(path).warnings() == []
    child = write("", name="child", head="rescompile: 1\nextends: mine\nname: child\n")
    assert open_spec(child).warnings() == []


def test_an_unknown_code_is_an_error(write: Write) -> None:
    with pytest.raises(SpecError, match="there is no warning F999"):
        open_spec(write(GOOD + "allow: [F999]\n")).warnings()


def test_the_exit_code_tells_only_if_asked(write: Write) -> None:
    path = str(write(residual([CONV])))
    for options, code in (([], 0), (["--strict"], 1)):
        result = CliRunner().invoke(main, ["lint", path, *options])
        assert result.exit_code == code
        assert "warning[F102]" in result.output
        assert "1 warning in 1 spec\n" in result.output
    good = CliRunner().invoke(main, ["lint", "--strict", "resnet34", "resnet50"])
    assert (good.exit_code, good.output) == (0, "no warnings in 2 specs\n")


def test_errors_do_not_hide_the_warnings_of_other_specs(write: Write) -> None:
    wrong = write(plain(["conv: {channels: 8}"]), name="wrong")
    path = write(residual([CONV]))
    result = CliRunner().invoke(main, ["lint", str(wrong), str(path), "--format", "json"])
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert [record["severity"] for record in found] == ["error", "warning"]
    assert found[1]["spec"] == str(path)
    assert found[1]["line"] == 10
