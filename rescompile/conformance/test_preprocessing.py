"""Whatever is prepared and whatever texts a spec has, the emitted file is Python as ruff writes it.

What it computes is tested with each backend.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ..api import open_spec
from ..errors import UnsupportedError
from .test_line_length import ruff

HARD = 'a "title" of """three quotes\\ and a backslash, "'


def plans() -> Iterator[dict[str, Any]]:
    colours = {"mean": [0.4829999999999999, 0.1, 1e-7], "std": 0.00392156862745098}
    yield colours
    for kind, antialias in product(("bilinear", "bicubic"), (True, False)):
        resized = {"resize": 256, "interpolation": kind, "antialias": antialias, **colours}
        yield from (resized, {**resized, "crop": 224})


@pytest.mark.needs("preprocessing")
def test_a_file_is_as_ruff_writes_it(backend: str, tmp_path: Path) -> None:
    refused = 0
    spec = {"rescompile": 1, "extends": "resnet18", "name": "mine", "title": HARD}
    url = "https://example.org/mine-01234567.pth"
    for i, plan in enumerate(plans()):
        entry = {"name": "V1", "url": url, "preprocessing": plan, "about": f"{HARD} {'word ' * 40}"}
        try:
            made = open_spec({**spec, "weights": [entry]}).preprocessing(backend)
        except UnsupportedError:
            refused += 1
            continue
        compile(made, "made", "exec")
        (tmp_path / f"made{i}.py").write_bytes(made.encode())
    assert refused < 3
    ruff(tmp_path, 100, "format", "--diff")
    ruff(tmp_path, 100, "check", "--select=E,F,I,UP,B")
