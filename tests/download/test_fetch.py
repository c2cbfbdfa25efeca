"""Whatever a server sends, the cache holds the published file or none, and why is told."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("requests")
pytest.importorskip("filelock")

from rescompile.download import Fetched, Settings, Watch, fetch, transfer
from rescompile.errors import SpecError
from rescompile.published import Published

from .server import (
    Server,
    chunked_and_cut,
    cut,
    endless,
    good,
    redirect,
    sends,
    serving,
    stalls,
    status,
    without_length,
)

DATA = bytes(range(256)) * 1000
LIMIT = 2 << 20
OLD = b"another file, which was there before"


class Heard(Watch):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[tuple[int, int | None]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, done: int, total: int | None) -> None:
        self.done.append((done, total))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("RESCOMPILE_CACHE", "RESCOMPILE_MIRROR", "RESCOMPILE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(DATA) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "cache")


def published(server: Server, **changes: object) -> Published:
    made = Published("V1", f"{server.url}/models/net.pth", server.sha256[:8], "net.pth")
    return replace(made, **changes)  # type: ignore[arg-type]


def files(cache: Settings) -> set[str]:
    """The names of all files in the cache but locks."""
    return {f.name for f in cache.cache.rglob("*") if f.is_file() and f.suffix != ".lock"}


def fails(file: Published, cache: Settings, limit: int = LIMIT) -> str:
    """What is said of a download that fails; nothing takes the place of the file."""
    with pytest.raises(SpecError) as caught:
        fetch(file, limit, cache)
    assert "net.pth" not in files(cache)
    return str(caught.value)


def is_whole(found: Fetched, cache: Settings) -> None:
    assert found.path == cache.cache / "weights" / "net.pth"
    assert found.path.read_bytes() == DATA
    assert files(cache) == {"net.pth"}


def test_a_file_is_fetched_once(server: Server, cache: Settings) -> None:
    heard = Heard()
    found = fetch(published(server), LIMIT, cache, heard)
    is_whole(found, cache)
    assert found.source == f"{server.url}/models/net.pth"
    assert heard.said == [f"fetching {server.url}/models/net.pth"]
    assert heard.done[0] == (0, len(DATA))
    assert heard.done[-1] == (len(DATA), len(DATA))
    assert fetch(published(server), LIMIT, cache) == Fetched(found.path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("digits", [8, 20, 64])
def test_a_hash_may_be_cut_off(digits: int, server: Server, cache: Settings) -> None:
    is_whole(fetch(published(server, sha256=server.sha256[:digits]), LIMIT, cache), cache)


def test_a_whole_hash_is_compared_to_its_last_digit(server: Server, cache: Settings) -> None:
    wrong = server.sha256[:-1] + ("0" if server.sha256[-1] != "0" else "1")
    said = fails(published(server, sha256=wrong), cache)
    assert f"its SHA-256 begins with {server.sha256}, not {wrong}" in said


def test_the_suffix_of_the_format_is_added(server: Server, cache: Settings) -> None:
    found = fetch(published(server, filename="download", format=".pth"), LIMIT, cache)
    assert found.path.name == "download.pth"


@pytest.mark.parametrize("format", ["./../../x.pth", ".\\..\\x.pth"])
def test_no_format_leads_out_of_the_cache(format: str, server: Server, cache: Settings) -> None:
    with pytest.raises(SpecError, match="no name of a file"):
        fetch(published(server, format=format), LIMIT, cache)
    assert not server.asked


def test_a_truncated_file_is_completed(server: Server, cache: Settings) -> None:
    server.acts = [cut(100_000)]
    heard = Heard()
    is_whole(fetch(published(server), LIMIT, cache, heard), cache)
    assert server.ranges == [None, "bytes=100000-"]
    assert "the connection to 127.0.0.1 ended early; trying again" in heard.said


def test_what_cannot_be_completed_is_kept_for_the_next_time(
    server: Server, cache: Settings
) -> None:
    server.acts = [cut(100_000), *[status(503)] * (transfer.TRIES - 1)]
    said = fails(published(server), cache)
    assert "error[E308]: cannot fetch net.pth: 127.0.0.1 answered 503" in said
    assert "100,000 bytes are kept" in said
    assert files(cache) == {".net.pth.part", ".net.pth.part.json"}
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges[-1] == "bytes=100000-"
    assert server.asked[-1][1]["If-Range"] == '"the file"'


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    server: Server, cache: Settings
) -> None:
    server.acts = [cut(100_000, '"old"')]
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert [headers.get("If-Range") for _, headers in server.asked] == [None, '"old"']


def test_a_server_without_ranges_sends_it_from_its_start(server: Server, cache: Settings) -> None:
    server.acts = [cut(100_000), lambda to: good(to, knows_ranges=False)]
    is_whole(fetch(published(server), LIMIT, cache), cache)


def leave(cache: Settings, data: bytes) -> None:
    """The part of a file, of which nothing is known."""
    (cache.cache / "weights").mkdir(parents=True)
    (cache.cache / "weights" / ".net.pth.part").write_bytes(data)


def test_a_part_of_another_file_is_found_by_the_hash(server: Server, cache: Settings) -> None:
    leave(cache, OLD)
    heard = Heard()
    is_whole(fetch(published(server), LIMIT, cache, heard), cache)
    assert server.ranges == [f"bytes={len(OLD)}-", None]
    assert "all of it is fetched again" in heard.said[1]


@pytest.mark.parametrize("data", [DATA, DATA + b"more"])
def test_a_part_may_be_all_or_more(data: bytes, server: Server, cache: Settings) -> None:
    leave(cache, data)
    is_whole(fetch(published(server), LIMIT, cache), cache)


@pytest.mark.parametrize("about", ["", "[]", "{}", '{"url": 1, "validator": 2}', "\0"])
def test_what_is_told_of_a_part_may_be_broken(about: str, server: Server, cache: Settings) -> None:
    leave(cache, DATA[:1000])
    (cache.cache / "weights" / ".net.pth.part.json").write_text(about, "utf-8")
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges == ["bytes=1000-"]


def test_a_validator_is_for_one_address(server: Server, cache: Settings) -> None:
    leave(cache, DATA[:1000])
    told = json.dumps({"url": "https://example.org/net.pth", "validator": '"other"'})
    (cache.cache / "weights" / ".net.pth.part.json").write_text(told, "utf-8")
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert "If-Range" not in server.asked[0][1]


@pytest.mark.parametrize(
    "told", ["bytes 5-9/256000", "bytes 0-255999/256000", "bytes 1000-255999/*", "much", ""]
)
def test_another_part_than_was_asked_for_is_not_taken(
    told: str, server: Server, cache: Settings
) -> None:
    leave(cache, DATA[:1000])
    server.acts = [lambda to: (to.head(206, 4, Content_Range=told), to.wfile.write(b"abcd"))[0]]
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges == ["bytes=1000-", None]


def test_a_tampered_file_is_not_kept(server: Server, cache: Settings) -> None:
    file = published(server)
    server.data = DATA[:-1] + b"!"
    said = fails(file, cache)
    assert f"error[E309]: what {file.url} sends is not the published file net.pth" in said
    assert f"begins with {server.sha256[:16]}, not {file.sha256}" in said
    assert not files(cache)
    assert len(server.asked) == 1


def test_a_page_in_place_of_a_file_is_called_one(server: Server, cache: Settings) -> None:
    server.acts = [sends(b"<html>Sign in</html>")]
    assert "it says that it is text/html; charset=utf-8: a page" in fails(published(server), cache)


def test_a_file_in_the_cache_is_judged_each_time(server: Server, cache: Settings) -> None:
    found = fetch(published(server), LIMIT, cache)
    found.path.write_bytes(OLD)
    offline = replace(cache, offline=True)
    with pytest.raises(SpecError, match=r"E309.*is not the published file"):
        fetch(published(server), LIMIT, offline)
    assert found.path.read_bytes() == OLD
    heard = Heard()
    is_whole(fetch(published(server), LIMIT, cache, heard), cache)
    assert heard.said[0] == f"{found.path} is not the published file, and is fetched again"


def test_a_bad_download_leaves_what_was_there(server: Server, cache: Settings) -> None:
    path = fetch(published(server), LIMIT, cache).path
    server.acts = [status(404)]
    with pytest.raises(SpecError):
        fetch(published(server, sha256="0" * 8), LIMIT, cache)
    assert path.read_bytes() == DATA


def test_offline_takes_the_cache_and_names_the_place(server: Server, cache: Settings) -> None:
    offline = replace(cache, offline=True)
    said = fails(published(server), offline)
    assert "error[E308]: net.pth is not in the cache, and nothing is fetched while offline" in said
    place = cache.cache / "weights" / "net.pth"
    assert f"put the file of {server.url}/models/net.pth into its place yourself: {place}" in said
    assert not server.asked
    assert not cache.cache.exists()
    place.parent.mkdir(parents=True)
    place.write_bytes(DATA)
    assert fetch(published(server), LIMIT, offline) == Fetched(place)


@pytest.mark.parametrize("act", [endless, without_length])
def test_what_has_no_end_is_ended(act: object, server: Server, cache: Settings) -> None:
    server.acts = [act]  # type: ignore[list-item]
    if act is without_length:
        is_whole(fetch(published(server), LIMIT, cache), cache)
    else:
        assert "more than 2 MiB came, and no end" in fails(published(server), cache)
        assert not files(cache)


def test_the_published_size_is_a_limit_too(server: Server, cache: Settings) -> None:
    server.acts = [endless]
    assert "more than 1 MiB came" in fails(published(server, mib=0.25), cache)


def test_too_much_is_refused_when_it_is_announced(server: Server, cache: Settings) -> None:
    server.acts = [lambda to: to.head(200, 5 << 30)]
    said = fails(published(server), cache)
    assert "the server announces 5,120 MiB, and the file has no more than 2 MiB" in said


def test_a_stream_that_is_cut_off_is_asked_for_again(server: Server, cache: Settings) -> None:
    server.acts = [chunked_and_cut, lambda to: good(to, knows_ranges=False)]
    is_whole(fetch(published(server), LIMIT, cache), cache)


def test_a_server_that_falls_silent_is_left(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", (0.3, 0.3))
    over = threading.Event()
    server.acts = [stalls(100_000, over)]
    heard = Heard()
    is_whole(fetch(published(server), LIMIT, cache, heard), cache)
    assert heard.said[1] == "127.0.0.1 sends nothing more; trying again"
    server.acts = [lambda to: over.wait(20) and None] * transfer.TRIES
    assert "127.0.0.1 does not answer" in fails(
        published(server, filename="net.pth", sha256="0" * 8), Settings(cache.cache / "b")
    )
    over.set()


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_an_answer_that_is_none_is_told_at_once(code: int, server: Server, cache: Settings) -> None:
    server.acts = [status(code)]
    said = fails(published(server), cache)
    assert f"127.0.0.1 answered {code} " in said
    assert f"for {server.url}/models/net.pth" in said
    assert len(server.asked) == 1
    assert not files(cache)


def test_a_server_that_is_not_there_is_told_at_once(server: Server, cache: Settings) -> None:
    file = published(server, url="http://127.0.0.1:9/net.pth")
    assert "no connection to 127.0.0.1: Failed to establish" in fails(file, cache)


def test_a_redirect_is_followed_and_told(server: Server, cache: Settings) -> None:
    with serving(DATA) as other:
        server.acts = [redirect("/there"), redirect(f"{other.url}/elsewhere/net.pth")]
        found = fetch(published(server), LIMIT, cache)
        is_whole(found, cache)
        assert found.source == f"{other.url}/elsewhere/net.pth"


def test_a_redirected_file_is_resumed(server: Server, cache: Settings) -> None:
    server.acts = [redirect("/there"), cut(1000), redirect("/there")]
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges == [None, None, "bytes=1000-", "bytes=1000-"]


def test_what_another_host_sends_is_judged_by_the_hash(server: Server, cache: Settings) -> None:
    with serving(OLD) as other:
        server.acts = [redirect(f"{other.url}/net.pth")]
        assert f"what {other.url}/net.pth sends is not the published file" in fails(
            published(server), cache
        )


@pytest.mark.parametrize(
    "target",
    ["http://example.org/net.pth", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://["],
)
def test_no_redirect_leads_into_the_open(target: str, server: Server, cache: Settings) -> None:
    server.acts = [redirect(target)]
    said = fails(published(server), cache)
    assert f"leads to {target}" in said or "cannot ask 127.0.0.1: " in said
    assert not files(cache)


def test_no_redirect_of_https_leads_back_to_this_machine() -> None:
    assert transfer.is_safe("https://a.org/x", "https://b.org/x")
    assert transfer.is_safe("http://localhost/x", "https://b.org/x")
    assert not transfer.is_safe("https://a.org/x", "http://localhost/x")
    assert not transfer.is_safe("https://a.org/x", "http://a.org/x")


def test_redirects_in_a_circle_end(server: Server, cache: Settings) -> None:
    server.acts = [redirect("/again")] * 20
    assert "leads from place to place" in fails(published(server), cache)


def test_a_mirror_stands_for_scheme_and_host(server: Server, cache: Settings) -> None:
    file = published(server, url="https://example.org/models/net.pth")
    mirrored = replace(cache, mirror=f"{server.url}/copies/")
    found = fetch(file, LIMIT, mirrored)
    is_whole(found, mirrored)
    assert server.asked[0][0] == "/copies/models/net.pth"


def test_a_proxy_is_used(server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the environment names it. What it is asked for is a whole address."""
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    file = published(server, url="http://localhost:9/models/net.pth")
    is_whole(fetch(file, LIMIT, cache), cache)
    assert server.asked[0][0] == "http://localhost:9/models/net.pth"


def test_a_proxy_that_is_not_there_is_told(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    said = fails(published(server, url="http://localhost:1/models/net.pth"), cache)
    assert "the proxy gives no connection to localhost" in said


def test_no_bytes_are_fetched_for_which_there_is_no_room(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9, 9, len(DATA) - 1))
    said = fails(published(server), cache)
    assert "error[E308]: cannot keep" in said
    assert "No space left on device for 256,000 bytes" in said
    assert "choose another folder by RESCOMPILE_CACHE" in said
    assert not files(cache)


def test_a_disk_that_fills_up_leaves_nothing(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def progress(self: Watch, done: int, total: int | None) -> None:
        if done > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Watch, "progress", progress)
    assert "No space left on device" in fails(published(server), cache)
    assert not files(cache)
    monkeypatch.undo()
    is_whole(fetch(published(server), LIMIT, cache), cache)


def test_a_cache_that_is_no_folder_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match=r"cannot keep .*Not a directory"):
        fetch(published(server), LIMIT, Settings(tmp_path / "file"))


def test_an_interruption_keeps_what_has_come(server: Server, cache: Settings) -> None:
    class Stop(Watch):
        def progress(self, done: int, total: int | None) -> None:
            if done > 100_000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(published(server), LIMIT, cache, Stop())
    assert files(cache) == {".net.pth.part", ".net.pth.part.json"}
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges[-1] == "bytes=131072-"


def test_of_two_at_once_one_fetches(server: Server, cache: Settings) -> None:
    """The other waits, and finds the file."""
    began, go = threading.Event(), threading.Event()

    def slow(to: object) -> None:
        began.set()
        assert go.wait(20)
        good(to)  # type: ignore[arg-type]

    class Waiting(Heard):
        def say(self, text: str) -> None:
            super().say(text)
            if "waiting" in text:
                go.set()

    server.acts = [slow]
    heard, found = Waiting(), []
    first = threading.Thread(target=lambda: found.append(fetch(published(server), LIMIT, cache)))
    first.start()
    assert began.wait(20)
    found.append(fetch(published(server), LIMIT, cache, heard))
    first.join()
    assert heard.said == ["another process fetches net.pth: waiting"]
    assert {one.path for one in found} == {cache.cache / "weights" / "net.pth"}
    assert len(server.asked) == 1
    is_whole(found[0], cache)


def test_settings_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Settings.of() == Settings(tmp_path / ".cache" / "rescompile")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Settings.of().cache == tmp_path / "xdg" / "rescompile"
    monkeypatch.setenv("RESCOMPILE_CACHE", "~/mine")
    monkeypatch.setenv("RESCOMPILE_MIRROR", "https://mirror.example/x")
    monkeypatch.setenv("RESCOMPILE_OFFLINE", "1")
    assert Settings.of() == Settings(tmp_path / "mine", "https://mirror.example/x", True)
    assert not Settings.of(offline=False).offline
    assert Settings.of(mirror="").mirror == ""
    monkeypatch.setenv("RESCOMPILE_OFFLINE", "0")
    assert not Settings.of().offline


@pytest.mark.parametrize(
    "mirror", ["http://example.org", "ftp://a", "example.org", "file:///x", "https://"]
)
def test_a_mirror_in_the_open_is_refused(mirror: str) -> None:
    with pytest.raises(SpecError, match=r"E308.*is not fetched by https"):
        Settings.of(mirror)


def test_libraries_that_are_missing_are_named(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rescompile.download.fetching.find_spec", lambda name: None)
    said = fails(published(server), cache)
    assert "requests is not installed, which a download needs" in said
    assert "pip install 'rescompile[weights]'" in said
