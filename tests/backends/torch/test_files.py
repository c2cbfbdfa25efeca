"""Files of weights that PyTorch would read for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rescompile.convert import conversion, convert
from rescompile.errors import SpecError

HURRIED = """
import runpy
from rescompile.convert import limit

limit.SECONDS = 1
runpy.run_module("rescompile.convert.session", run_name="__main__")
"""


def nested(depth: int) -> bytes:
    """A pickle of a dictionary whose key is a pair of twice the same pair, and so on."""
    doubled = b"".join(b"q%ch%c\x86" % (i, i) for i in range(depth))
    return b"\x80\x02})" + doubled + b"K\x01s."


@pytest.mark.skipif(os.name != "posix", reason="Windows does not limit it")
def test_a_key_that_takes_ages_to_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    (tmp_path / "hurried.py").write_text(HURRIED)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(conversion, "SESSION", "hurried")
    file = tmp_path / "small.pth"
    for depth, said in ((4, "not a file of PyTorch weights"), (60, "more processor time to read")):
        file.write_bytes(nested(depth))
        with pytest.raises(SpecError) as caught:
            convert(file, "resnet20_cifar", tmp_path / "out.npz")
        (found,) = caught.value.diagnostics
        assert found.code == "E302"
        assert said in found.message
    assert not (tmp_path / "out.npz").exists()
