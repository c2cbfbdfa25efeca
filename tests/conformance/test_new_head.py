"""Published weights get a new head in every backend, and nothing else changes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.conformance.plugin import missing
from rescompile.conformance.running.test_new_head import NEW, SPEC, check, read
from rescompile.convert.conversion import Converter
from rescompile.convert.fresh import initial
from rescompile.language.override import words
from rescompile.registry import get_backend, working

ROOT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("RESCOMPILE_REFERENCE") or ROOT.parent / "shared" / "reference")
PUBLISHED = REFERENCE / "resnet-cifar" / "resnet20-12fca82f.th"
BACKENDS = sorted(one.name for one in working() if one.weight_files and not missing(one.name))


@pytest.mark.parametrize("backend", BACKENDS)
def test_published_weights_are_tuned_to_another_task(
    backend: str, converter: Converter, tmp_path: Path
) -> None:
    """And every backend starts from the same values."""
    if not PUBLISHED.is_file():
        pytest.skip(f"no published weights: {PUBLISHED.name} is not there")
    suffix, four = get_backend(backend).weight_files[0], words(classes=4)
    renames = [("module.", "")]
    converter.convert(PUBLISHED, SPEC, tmp_path / "ten.npz", renames=renames)
    converter.convert(
        PUBLISHED, SPEC, tmp_path / f"four{suffix}", renames=renames, new_head=True, changes=four
    )
    converter.convert(tmp_path / f"four{suffix}", SPEC, tmp_path / "four.npz", changes=four)
    before, after = read(tmp_path / "ten.npz"), read(tmp_path / "four.npz")
    check(before, after, NEW)
    assert after["linear.weight"].shape == (4, 64)
    assert not after["linear.bias"].any()
    drawn = initial(open_spec(SPEC, set=four).analysis.elaborated, [("linear", "weight")], 0, "f4")
    np.testing.assert_array_equal(after["linear.weight"], drawn[("linear", "weight")])
