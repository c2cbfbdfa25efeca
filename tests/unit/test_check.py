"""`rescompile check`: every shipped claim, and claims that are wrong, in every form it prints."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.claims.check import check
from rescompile.claims.judge import Verdict
from rescompile.claims.verdicts import WIDTH, Findings
from rescompile.cli import main
from rescompile.errors import SpecError
from rescompile.language.load import zoo

from ..conftest import Write

NET = """\
title: Mine
stages:
  - conv: {channels: 8, kernel: 3, stride: 2}
    name: conv1
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
    name: fc
claims:
"""  # 8 * 3 * 9 + 80 + 10 = 306 parameters, 55,376 MACs, 2 layers
FOLLOWS_BY_OTHER_MEANS = {
    # He et al. 2015 cut off or divided rounded figures; see DESIGN and README.
    ("resnet34", "MACs"): "3.6 x 10^9",
    ("resnet34", "MACs / vgg19"): "18%",
    ("plain34", "MACs / vgg19"): "18%",
    ("resnet50", "MACs"): "3.8 x 10^9",
    ("resnet50_v1_5", "parameters"): "25.5 x 10^6",
    ("mobilenet_v2", "parameters"): "3.4M",
    ("mobilenet_v2", "MACs"): "300M",
}


@pytest.fixture(scope="module")
def shipped() -> Findings:
    return check(zoo())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


def checked(write: Write, claims: str) -> Findings:
    return check([str(write(f"{NET}{claims}"))])


def test_every_shipped_claim_holds(shipped: Findings) -> None:
    assert not shipped.failed.findings
    as_printed = {
        (f.spec, f.claim): f.printed
        for f in shipped.findings
        if f.verdict is Verdict.AS_PRINTED and f.spec in {s for s, _ in FOLLOWS_BY_OTHER_MEANS}
    }
    assert as_printed == FOLLOWS_BY_OTHER_MEANS


def test_what_the_resnet_paper_prints_is_claimed(shipped: Findings) -> None:
    printed = Counter((f.spec, f.claim, f.printed) for f in shipped.findings)
    assert max(printed.values()) == 1
    table1 = {"resnet18": "1.8", "resnet34": "3.6", "resnet50": "3.8", "resnet101": "7.6"}
    for spec, macs in {**table1, "resnet152": "11.3"}.items():
        assert (spec, "MACs", f"{macs} x 10^9") in printed
        assert (spec, "layers", f"{spec.removeprefix('resnet')}-layer") in printed
        for step, size in (("conv1", 112), ("layer1", 56), ("layer3", 14), ("layer4", 7)):
            assert (spec, f"output of {step}", f"{size}x{size}") in printed
    table6 = {20: "0.27M", 32: "0.46M", 44: "0.66M", 56: "0.85M", 110: "1.7M", 1202: "19.4M"}
    for depth, parameters in table6.items():
        assert (f"resnet{depth}_cifar", "parameters", parameters) in printed
        assert (f"resnet{depth}_cifar", "layers", str(depth)) in printed


def test_verdicts(write: Write) -> None:
    found = checked(
        write,
        """\
  - {layers: "2", where: Table 1}
  - {parameters: "306", where: Table 1}
  - {parameters: "307", where: Table 1}
  - {macs: 55 k, where: Table 2}
  - {macs: 55.3k, where: Table 2}
  - {macs: 55 thousand, counts: [convolutions], where: Table 2}
  - {outputs: {conv1: 16x16x8, fc: 1x1}, where: Table 1}
  - {macs: far fewer, below: vgg16, where: text}
  - {macs: as many, equals: vgg16, where: text}
  - {layers: 12%, of: vgg16, where: text}
  - {layers: 0.1x, of: vgg16, where: text}
""",
    )
    assert [f.verdict.value for f in found.findings] == [
        *("holds", "holds", "fails", "holds", "as printed", "holds", "holds", "fails"),
        *("holds", "fails", "as printed", "holds"),
    ]
    assert [f.exact for f in found.findings[-3:]] == ["55,376", "12.500 %", "0.125 x"]
    assert found.summary == "12 claims in 1 spec: 7 hold, 2 hold as printed, 3 fail"


def test_a_failure_is_exit_code_1(write: Write) -> None:
    good = write(f"{NET}  - {{layers: '2', where: Table 1}}\n", "good")
    bad = write(f"{NET}  - {{layers: '3', where: Table 1}}\n", "bad")
    assert run(str(good)).exit_code == 0
    assert run(str(good), "-q").output == ""
    result = run(str(good), str(bad), "--quiet")
    assert result.exit_code == 1
    assert "fails" in result.output
    assert "holds" not in result.output.splitlines()[1]
    assert run(str(bad), "--format", "json").exit_code == 1
    result = run(str(good), str(bad), "-o", str(good.with_suffix(".txt")))
    assert result.exit_code == 1
    assert "fails" in result.output
    assert "holds" in good.with_suffix(".txt").read_text(encoding="utf-8")


def test_without_claims(write: Write) -> None:
    path = write(NET.removesuffix("claims:\n"))
    assert run(str(path)).output.endswith("0 claims in 1 spec: 0 hold, 0 hold as printed, 0 fail\n")


def test_the_whole_zoo_fits_the_screen() -> None:
    result = run()
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[-1].endswith(" 0 fail")
    assert f" in {len(zoo())} specs" in lines[-1]


def test_the_story_of_the_eighteen_percent_is_readable() -> None:
    text = " ".join(run("plain34", "resnet34").output.split())
    assert "as printed MACs / vgg19 18% 18.564 % section 3.3" in text
    assert "as printed MACs / vgg19 18% 18.662 % section 3.3" in text
    assert text.count("cut off; rounded it would be 19%") == 2
    assert text.count("own rounded figures give it: 3.6 billion / 19.6 billion = 18.37 %") == 2
    assert "exactly 3,644,493,824 / 19,632,062,464" in text


def test_markdown_and_files(tmp_path: Path) -> None:
    target = tmp_path / "claims.md"
    result = run("vgg16", "--format", "markdown", "-o", str(target))
    assert result.output == f"wrote {target.as_posix()}\n"
    text = target.read_text(encoding="utf-8")
    row = "| MACs | 15.3 billion FLOPs | 15,346,630,656 | holds | He et al. 2015, section 4.1 |"
    assert f"{row} counting convolutions; " in text
    assert run("vgg16", "--format", "markdown", "-o", str(target), "-q").output == ""


def test_json_is_exact() -> None:
    data = json.loads(run("plain34", "--format", "json").output)
    (ratio,) = (c for c in data["claims"] if c["claim"] == "MACs / vgg19")
    assert ratio["exact"] == [3644493824, 19632062464]
    assert (ratio["printed"], ratio["verdict"]) == ("18%", "as printed")
    assert data["summary"] == {"holds": 7, "as printed": 1, "fails": 0}


@pytest.mark.parametrize(
    ("claim", "code", "message", "column"),
    [
        ("{macs: 18%, of: vgg18, where: text}", "E105", "there is no 'vgg18' here", 21),
        ("{macs: less, below: ../vgg16, where: text}", "E105", "'../vgg16' does not name", 25),
        ("{outputs: {conv: 16x16}, where: Table 1}", "E106", "no step named 'conv'", 22),
    ],
)
def test_claims_about_what_is_not_there(
    write: Write, claim: str, code: str, message: str, column: int
) -> None:
    with pytest.raises(SpecError) as caught:
        checked(write, f"  - {claim}\n")
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message
    assert "did you mean" in found.help or code == "E105"
    assert found.location is not None
    assert (found.location.line, found.location.column) == (14, column)


def test_no_ratio_to_nothing(write: Write) -> None:
    write("stages:\n  - activation: {}\n", "nothing")
    with pytest.raises(SpecError, match="'nothing' has no MACs"):
        checked(write, "  - {macs: 18%, of: nothing, where: text}\n")
