"""Broken and hostile files of formats that are no backend's, and a wrong command line."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.conformance.running.test_weight_files import (
    Bomb,
    check_pickle,
    check_truncated,
    refused,
)
from rescompile.convert.conversion import Converter
from rescompile.convert.owner import INTERCHANGE
from rescompile.errors import SpecError
from rescompile.reference.weights import random_weights

SPEC = "resnet20_cifar"


@pytest.mark.parametrize("suffix", INTERCHANGE)
def test_a_truncated_file_is_refused(converter: Converter, suffix: str, tmp_path: Path) -> None:
    check_truncated(converter, suffix, tmp_path)


@pytest.mark.parametrize("suffix", INTERCHANGE)
def test_a_pickle_with_code_is_not_executed(
    converter: Converter, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_pickle(converter, suffix, tmp_path, monkeypatch)


def test_objects_in_an_npz_are_refused(converter: Converter, tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"conv1.weight": np.array([Bomb], dtype=object)})
    assert "holds pickled objects" in refused(converter, tmp_path / "w.npz")


@pytest.mark.parametrize("megabytes", [1, 300])
def test_an_npz_that_lies_about_its_size_or_explodes(
    converter: Converter, tmp_path: Path, megabytes: int
) -> None:
    """Its header tells of 4 GB: a megabyte is there, or so many that they are refused unread."""
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        made, {"descr": "<f4", "fortran_order": False, "shape": (1000, 1000, 1000)}
    )
    file = tmp_path / "w.npz"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("conv1.weight.npy", "w", force_zip64=True) as member,
    ):
        member.write(made.getvalue())
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    said = refused(converter, file)
    assert "is not as large as it says" in said or "when it is unpacked" in said


@pytest.mark.parametrize(
    "header",
    [
        b'{"a": {"dtype": "F32", "shape": [1000000, 1000000], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4000000000]}}',
        b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        b"{" * 1000,
    ],
)
def test_a_lying_header_is_refused(converter: Converter, header: bytes, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused(converter, file)
    file.write_bytes(struct.pack("<Q", 1 << 60) + header)
    refused(converter, file)


def test_an_existing_output_survives_a_failure(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(b"nothing")
    (tmp_path / "out.npz").write_bytes(b"precious")
    with pytest.raises(SpecError):
        converter.convert(tmp_path / "w.npz", SPEC, tmp_path / "out.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.npz", "w.npz"]
    assert (tmp_path / "out.npz").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.npz", "--spec", SPEC, "-o", "out.npz"], 1, "there is no file 'missing.npz'"),
        (["w.npz", "--spec", SPEC, "-o", "out.txt"], 1, "'out.txt' is no kind of file"),
        (["w.npz", "--spec", "resnet43", "-o", "out.npz"], 1, "did you mean"),
        (["w.npz", "--spec", SPEC, "-o", "out.npz", "--rename", "x"], 2, "not of the form OLD=NEW"),
        (["w.npz", "--spec", SPEC], 2, "Missing option"),
    ],
)
def test_the_command_line_is_checked(arguments: list[str], code: int, said: str) -> None:
    result = CliRunner().invoke(main, ["convert", *arguments])
    assert result.exit_code == code
    assert said in result.output


def test_the_command_says_what_it_matched(tmp_path: Path) -> None:
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    np.savez(tmp_path / "w.npz", **{f"module.{'.'.join(k)}": a for k, a in drawn.items()})
    options = ["--spec", SPEC, "-o", str(tmp_path / "out.safetensors")]
    result = CliRunner().invoke(main, ["convert", str(tmp_path / "w.npz"), *options])
    assert result.exit_code == 0
    assert "--rename module.=" in result.output
