"""Six networks that newcomers wrote, from docs/language.md and the papers' code alone.

The counts are those of timm's models of the same names, to the integer.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.registry import backend_names

FOLDER = Path(__file__).parent / "newcomers"
PARAMETERS = {
    "cspdarknet53": 27_642_184,
    "dla34": 15_742_104,
    "dpn68": 12_611_602,
    "ghostnet_100": 5_182_508,
    "hrnet_w18": 21_299_004,
    "res2net50_26w_4s": 25_699_120,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_timm(name: str) -> None:
    net = open_spec(str(FOLDER / f"{name}.yaml"))
    assert net.report().total.parameters == PARAMETERS[name]


def test_every_spec_is_asked() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(PARAMETERS)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("name", PARAMETERS)
def test_the_source_is_as_ruff_formats_it(name: str, backend: str, tmp_path: Path) -> None:
    source = open_spec(str(FOLDER / f"{name}.yaml")).source(backend)
    ast.parse(source)
    assert max(map(len, source.splitlines())) <= 100
    (tmp_path / "made.py").write_text(source, "utf-8")
    check = ("format", "--check", "--isolated", "--line-length", "100")
    ruff = [sys.executable, "-m", "ruff", *check, str(tmp_path / "made.py")]
    assert subprocess.run(ruff, capture_output=True).returncode == 0
