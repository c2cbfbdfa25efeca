"""The memory that a file's parser may take, where the system can limit it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rescompile.convert.limit import ROOM, limited


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux limits it")
def test_a_parser_gets_room_for_its_file_and_no_more(tmp_path: Path) -> None:
    import resource

    file = tmp_path / "w"
    file.write_bytes(bytes(1 << 20))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited(file):
        bytearray(ROOM // 2)
        with pytest.raises(MemoryError):
            bytearray(2 * ROOM)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    bytearray(2 * ROOM)
