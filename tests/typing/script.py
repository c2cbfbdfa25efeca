"""What somebody writes who uses the Python API; mypy has to know each type exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import rescompile
from rescompile import Architecture, RescompileError, SpecError, UnsupportedError, load
from rescompile.compare.diff import Diff
from rescompile.compare.versus import Versus
from rescompile.cost.cost import Cost
from rescompile.cost.peak import Peak
from rescompile.cost.report import Report, Row
from rescompile.errors import Diagnostic, Location
from rescompile.figure import Figure
from rescompile.overviews import Overview

net = load("resnet34", size=(64, 96), channels=1, classes=10, set={"stages.layer3.repeat": 2})
assert_type(net, Architecture)
assert_type(load(Path("mine.yaml"), name="mine", set=["classes=3"]), Architecture)
assert_type(load({"rescompile": 1, "name": "mine"}, size="64x96"), Architecture)
assert_type(net.name, str)
assert_type(net.source("torch", line_length=88), str)
assert_type(net.resolved(), str)
assert_type(net.text(), str)
assert_type(net.module("torch", dtype="float64"), Any)
assert_type({net: 1}, dict[Architecture, int])
assert_type(net == "resnet34", bool)

report = net.report(by="layer")
assert_type(report, Report)
assert_type(report.rows, tuple[Row, ...])
assert_type(report.total, Cost)
assert_type(report.total.macs, int)
assert_type(report.outputs, Mapping[str, tuple[int, ...]])
assert_type(report.peak, Peak)
assert_type([row.cost.parameters for row in report.rows], list[int])
for text in (report.text(), report.csv(), report.json(), report.markdown()):
    assert_type(text, str)

figure = net.figure(style="paper", open=["layer1"])
assert_type(figure, Figure)
assert_type(figure.svg(), str)
assert_type(figure.data(".png"), bytes)
assert_type(net.diff("resnet18"), Diff)
assert_type(net.versus(load("resnet18")), Versus)
assert_type(rescompile.overview([net, "resnet18"], sort="-macs"), Overview)
rescompile.plot(["resnet18", net], x="macs", log="x").savefig("plot.svg")
assert_type(rescompile.__version__, str)

for warning in net.warnings():
    assert_type(warning, Diagnostic)
    assert_type(warning.location, Location | None)
try:
    load("mine.yaml")
except UnsupportedError as error:
    assert_type(error.reasons, tuple[str, ...])
except SpecError as error:
    assert_type(error.diagnostics, tuple[Diagnostic, ...])
except RescompileError as error:
    assert_type(error.diagnostics, tuple[Diagnostic, ...])
