"""Every shipped spec, and every starter, is emitted, or refused with a reason."""

from __future__ import annotations

import pytest

from ..api import open_spec
from ..emit.summary import is_generated
from ..errors import UnsupportedError
from ..registry import get_backend
from ..starters import FOLDER, kinds
from .networks import compiled


def test_a_shipped_network_is_emitted_or_refused(spec: str, backend: str) -> None:
    """What is emitted is proved as it is for `build`, if the backend can be proved."""
    net, target = compiled(spec), get_backend(backend)
    reasons = target.unsupported(net.parametric)
    if reasons:
        assert all(isinstance(reason, str) and reason.strip() for reason in reasons)
        with pytest.raises(UnsupportedError):
            net.source(backend)
        return
    source = net.source(backend)
    assert is_generated(source), "the file has no line of the summary that says what made it"
    if target.suffix == ".py":
        compile(source, spec, "exec")


def test_a_file_is_the_same_every_time(backend: str) -> None:
    first, second = (open_spec("googlenet").source(backend) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", kinds())
def test_a_starter_is_emitted(backend: str, kind: str) -> None:
    assert open_spec(FOLDER / f"{kind}.yaml").source(backend)
