"""Whatever a server sends, it ends, and what happened is told."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rescompile.download import Settings, fetch, transfer
from rescompile.published import Published

from .cases import DATA, LIMIT, OLD, Heard, fails, files, is_whole, published
from .server import (
    Server,
    chunked_and_cut,
    cut,
    endless,
    good,
    redirect,
    serving,
    stalls,
    status,
    without_length,
)


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
    (cache.folder / "weights").mkdir(parents=True)
    (cache.folder / "weights" / ".net.pth.part").write_bytes(data)


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
    (cache.folder / "weights" / ".net.pth.part.json").write_text(about, "utf-8")
    is_whole(fetch(published(server), LIMIT, cache), cache)
    assert server.ranges == ["bytes=1000-"]


def test_a_validator_is_for_one_address(server: Server, cache: Settings) -> None:
    leave(cache, DATA[:1000])
    told = json.dumps({"url": "https://example.org/net.pth", "validator": '"other"'})
    (cache.folder / "weights" / ".net.pth.part.json").write_text(told, "utf-8")
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
        published(server, filename="net.pth", sha256="0" * 8), Settings(cache.folder / "b")
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


@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of https as localhost, with a certificate in the file ca.pem that nobody signed."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, own = str(tmp_path / "key.pem"), str(tmp_path / "ca.pem")
    words = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", own]
    subprocess.run(["openssl", "req", *words.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    with serving(DATA, context) as made:
        yield made


def by_https(server: Server) -> Published:
    port = server.server_address[1]
    return published(server, url=f"https://localhost:{port}/models/net.pth")


def test_a_certificate_that_nobody_signed_is_refused(secured: Server, cache: Settings) -> None:
    said = fails(by_https(secured), cache)
    assert "error[E308]: cannot fetch net.pth: no safe connection to localhost: " in said
    assert "certificate verify failed" in said
    assert not secured.asked


def test_a_certificate_that_is_trusted_is_taken_and_leads_nowhere_else(
    secured: Server, cache: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with serving(DATA) as plain:
        secured.acts = [redirect(f"{plain.url}/net.pth")]
        said = fails(by_https(secured), cache)
        assert f"leads to {plain.url}/net.pth, which is not fetched by https" in said
        assert not plain.asked
    is_whole(fetch(by_https(secured), LIMIT, cache), cache)


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
