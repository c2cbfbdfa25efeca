"""The cache holds the published file or none, whoever fetches it and whatever becomes of that."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from rescompile.download import Fetched, Settings, Watch, fetch
from rescompile.errors import SpecError

from .cases import DATA, LIMIT, OLD, Heard, fails, files, is_whole, published
from .server import Server, good, sends, status


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
    place = cache.folder / "weights" / "net.pth"
    assert f"put the file of {server.url}/models/net.pth into its place yourself: {place}" in said
    assert not server.asked
    assert not cache.folder.exists()
    place.parent.mkdir(parents=True)
    place.write_bytes(DATA)
    assert fetch(published(server), LIMIT, offline) == Fetched(place)


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
    assert {one.path for one in found} == {cache.folder / "weights" / "net.pth"}
    assert len(server.asked) == 1
    is_whole(found[0], cache)


def test_settings_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    said, url = Settings(), "https://example.org/models/net.pth"
    assert said.folder == tmp_path / ".cache" / "rescompile"
    assert said.address(url) == url
    assert not said.is_offline
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert said.folder == tmp_path / "xdg" / "rescompile"
    monkeypatch.setenv("RESCOMPILE_CACHE", "~/mine")
    monkeypatch.setenv("RESCOMPILE_MIRROR", "https://mirror.example/x")
    monkeypatch.setenv("RESCOMPILE_OFFLINE", "1")
    assert said.folder == tmp_path / "mine"
    assert said.address(url) == "https://mirror.example/x/models/net.pth"
    assert said.is_offline
    assert Settings(mirror="").address(url) == url
    assert not Settings(offline=False).is_offline
    monkeypatch.setenv("RESCOMPILE_OFFLINE", "0")
    assert not said.is_offline


def test_a_cache_that_nothing_tells_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCOMPILE_CACHE", "~nobody_is_called_so/cache")
    with pytest.raises(SpecError, match="say where it is to be by RESCOMPILE_CACHE"):
        assert Settings().folder


@pytest.mark.parametrize(
    "mirror",
    [
        "http://example.org",
        "ftp://a",
        "example.org",
        "file:///x",
        "https://",
        "https://[",
        "https://me:secret@a.org",
    ],
)
def test_a_mirror_in_the_open_is_refused(mirror: str, server: Server, cache: Settings) -> None:
    assert "is no address to fetch from by https" in fails(
        published(server), replace(cache, mirror=mirror)
    )
    assert not server.asked


def test_libraries_that_are_missing_are_named(
    server: Server, cache: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rescompile.download.fetching.find_spec", lambda name: None)
    said = fails(published(server), cache)
    assert "requests is not installed, which a download needs" in said
    assert "pip install 'rescompile[weights]'" in said
