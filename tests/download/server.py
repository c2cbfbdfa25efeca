"""A server on the loopback address that does what it is told, the good and the bad."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ETAG = '"the file"'


class Handler(BaseHTTPRequestHandler):
    """Answers by the first of the server's `acts` that are left, then as a good server does."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        acts = self.server.acts
        (acts.pop(0) if acts else good)(self)
        self.close_connection = True

    def log_message(self, *given: Any) -> None:
        """Nothing is printed."""

    def head(self, code: int, length: int | None = None, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Connection", "close")
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    """Serves one file at every path."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = data
        self.acts: list[Callable[[Handler], None]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def ranges(self) -> list[str | None]:
        """What part of the file was asked for, at each time."""
        return [headers.get("Range") for _, headers in self.asked]

    def handle_error(self, *given: Any) -> None:
        """Connections that the other end has closed are no news."""


@contextmanager
def serving(data: bytes, secured: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server of a file; `secured` makes it one of https."""
    with Server(data) as server:
        if secured:
            server.socket = secured.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


def good(to: Handler, etag: str | None = ETAG, knows_ranges: bool = True) -> None:
    """The file, or its rest where that is asked for and the file is the same."""
    data, wanted = to.server.data, to.headers.get("Range", "")
    same = to.headers.get("If-Range") in (None, etag)
    tag = {"ETag": etag} if etag else {}
    if not (wanted and same and knows_ranges):
        to.head(200, len(data), **tag)
        to.wfile.write(data)
        return
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if start >= len(data):
        to.head(416, 0, Content_Range=f"bytes */{len(data)}")
        return
    part = data[start:]
    to.head(206, len(part), Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}", **tag)
    to.wfile.write(part)


def cut(at: int, etag: str | None = ETAG) -> Callable[[Handler], None]:
    """The whole is announced, and so much of it sent."""

    def act(to: Handler) -> None:
        to.head(200, len(to.server.data), **({"ETag": etag} if etag else {}))
        to.wfile.write(to.server.data[:at])

    return act


def status(code: int) -> Callable[[Handler], None]:
    return lambda to: to.head(code, 0)


def sends(data: bytes, kind: str = "text/html; charset=utf-8") -> Callable[[Handler], None]:
    """Something else, as a portal in between does."""

    def act(to: Handler) -> None:
        to.head(200, len(data), Content_Type=kind)
        to.wfile.write(data)

    return act


def redirect(target: str) -> Callable[[Handler], None]:
    return lambda to: to.head(302, 0, Location=target)


def endless(to: Handler) -> None:
    """No length, and no end."""
    to.head(200)
    block = bytes(1 << 16)
    while True:
        to.wfile.write(block)


def chunked_and_cut(to: Handler) -> None:
    """No length; the last chunk never comes."""
    to.head(200, Transfer_Encoding="chunked")
    to.wfile.write(b"4\r\nabcd\r\n")


def without_length(to: Handler) -> None:
    to.head(200)
    to.wfile.write(to.server.data)


def stalls(at: int, released: threading.Event) -> Callable[[Handler], None]:
    """So much is sent, and then nothing, until the test is over."""

    def act(to: Handler) -> None:
        cut(at)(to)
        to.wfile.flush()
        released.wait(20)

    return act
