"""The memory and the time that a file's parser may take, where the system can limit it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rescompile.convert.limit import ROOM, limited
from rescompile.worker.client import OutOfTime, Worker


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


# A worker whose job takes a second more than it may, in C, where no exception is raised.
BUSY = """
from pathlib import Path
from rescompile.convert import limit
from rescompile.worker.server import Session, serve

limit.SECONDS = 0

class Busy(Session):
    def work(self, job):
        pair = ()
        for _ in range(60):
            pair = (pair, pair)
        with limit.limited(Path(__file__)):
            hash(pair)

    def rest(self, job):
        from rescompile.worker.job import Answer
        return Answer({"rested": True})

serve(Busy)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows does not limit it")
def test_a_process_that_takes_too_long_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    monkeypatch.syspath_prepend(str(tmp_path))
    with Worker("any", "busy") as worker:
        for _ in range(2):
            with pytest.raises(OutOfTime):
                worker.ask("work")
            assert worker.ask("rest").data == {"rested": True}
