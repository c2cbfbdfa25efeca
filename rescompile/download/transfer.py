"""One file over HTTP: redirects that stay safe, ranges, and an end to whatever a server sends.

The library does proxies and certificates, from the environment (`https_proxy`, `no_proxy`,
`REQUESTS_CA_BUNDLE`). Bytes are kept as they travel; the hash judges them in the end.
"""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from .. import __version__
from ..prose import visible
from .part import Part
from .settings import is_trusted
from .watch import Watch

TIMEOUT = (10.0, 30.0)  # seconds until a server answers, and in which it must send something
TRIES, PAUSE = 4, 1.0  # seconds before the next try, twice as many before each further one
REDIRECTS = 5
CHUNK = 1 << 16
BUSY = (408, 429, 500, 502, 503, 504)  # what may be otherwise in a moment
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
OBJECT = re.compile(r"^\w+\(.*?\): ")  # before what the library says of a connection
MIB = 1 << 20


class TransferError(Exception):
    """A file could not be had; the message is a sentence that says why."""


class Interrupted(TransferError):
    """It may be had at another try, perhaps the rest of it alone."""


@dataclass(frozen=True)
class Received:
    """Where a file came from in the end, what it was said to be, and whether it was resumed."""

    url: str
    kind: str
    resumed: bool


def download(url: str, part: Part, limit: int, watch: Watch) -> Received:
    """Fetch the file, or the rest of it, into `part`: at most `limit` bytes.

    Raises `TransferError`, and `OSError` where it cannot be written.
    """
    with requests.Session() as session:
        for left in reversed(range(TRIES)):
            try:
                return _once(session, url, part, limit, watch)
            except Interrupted as error:
                if not left:
                    raise
                watch.say(f"{error}; trying again")
                time.sleep(PAUSE * 2 ** (TRIES - 1 - left))
    raise AssertionError("the last try returns or raises")


def _once(session: requests.Session, url: str, part: Part, limit: int, watch: Watch) -> Received:
    start = part.size
    headers = {"Accept-Encoding": "identity", "User-Agent": f"rescompile/{__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator := part.validator(url):
            headers["If-Range"] = validator
    with _answer(session, url, headers) as answer:
        if answer.status_code == 416:  # the part is as long as the file, or longer
            return _rest_of_nothing(answer, part, start)
        total = _total(answer, start)
        if total is None and answer.status_code == 206:
            part.remove()
            raise Interrupted("the server sent another part than was asked for")
        start = start if answer.status_code == 206 else 0
        _check_size(part, start, total, limit)
        received = Received(answer.url, answer.headers.get("Content-Type", ""), start > 0)
        validator = _validator(answer) or (part.validator(url) if start else "")
        with part.open(url, validator, start > 0) as file:
            done = start
            watch.progress(done, total)
            for chunk in _chunks(answer):
                done += len(chunk)
                if done > limit:
                    break
                file.write(chunk)
                watch.progress(done, total)
        if done > limit:
            part.remove()
            raise TransferError(f"more than {limit / MIB:,.0f} MiB came, and no end")
    if total is not None and done < total:
        raise Interrupted(f"the connection ended after {done:,} of {total:,} bytes")
    return received


@contextmanager
def _answer(
    session: requests.Session, url: str, headers: dict[str, str]
) -> Iterator[requests.Response]:
    """The answer of the server that the way leads to, whose body is not read yet."""
    with _told(url):
        for _ in range(REDIRECTS + 1):
            answer = session.get(
                url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False
            )
            if not answer.is_redirect:
                break
            answer.close()
            target = urljoin(url, answer.headers["Location"])
            if not is_safe(url, target):
                told = visible(target[:200])
                raise TransferError(f"{url} leads to {told}, which is not fetched by https")
            url = target
        else:
            raise TransferError(f"{url} leads from place to place, more than {REDIRECTS} times")
    with answer:
        if answer.status_code not in (200, 206, 416):
            said = f"{_host(url)} answered {answer.status_code} {visible(answer.reason or '')}"
            kind = Interrupted if answer.status_code in BUSY else TransferError
            raise kind(f"{said.strip()} for {url}")
        yield answer


def is_safe(url: str, target: str) -> bool:
    """Whether an address may lead to another: by https, or on this machine, and not back to it."""
    local = urlsplit(url).scheme == "http"
    return is_trusted(target) and (local or urlsplit(target).scheme == "https")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What the library raises, in a sentence."""
    host = _host(url)
    try:
        yield
    except (requests.exceptions.SSLError, requests.exceptions.InvalidProxyURL) as error:
        raise TransferError(f"no safe connection to {host}: {_reason(error)}") from None
    except requests.exceptions.ProxyError as error:
        raise TransferError(f"the proxy gives no connection to {host}: {_reason(error)}") from None
    except requests.exceptions.Timeout:
        raise Interrupted(f"{host} does not answer") from None
    except requests.exceptions.ConnectionError as error:
        inner = _innermost(error)
        kind = TransferError if isinstance(inner, NewConnectionError) else Interrupted
        raise kind(f"no connection to {host}: {_reason(error)}") from None
    except (
        requests.exceptions.RequestException,
        ValueError,
    ) as error:  # of an address that is none
        raise TransferError(f"cannot ask {host}: {_reason(error)}") from None


def _innermost(error: BaseException) -> BaseException:
    """Of the errors in an error the last one: the others only wrap it."""
    while True:
        within = (getattr(error, "reason", None), *error.args)
        inner = next((one for one in within if isinstance(one, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _reason(error: BaseException) -> str:
    said = str(_innermost(error))
    return visible(OBJECT.sub("", said).strip()[:200])


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    """The body as it travels."""
    try:
        while chunk := answer.raw.read(CHUNK, decode_content=False):
            yield chunk
    except ReadTimeoutError:
        raise Interrupted(f"{_host(answer.url)} sends nothing more") from None
    except HTTPError:
        raise Interrupted(f"the connection to {_host(answer.url)} ended early") from None


def _total(answer: requests.Response, start: int) -> int | None:
    """The length of the whole file, where the server tells; None for a part that is another."""
    if answer.status_code == 206:
        found = RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if found is None or int(found[1]) != start or found[2] == "*":
            return None
        return int(found[2])
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else None


def _rest_of_nothing(answer: requests.Response, part: Part, start: int) -> Received:
    told = answer.headers.get("Content-Range", "").strip()
    if told == f"bytes */{start}":
        return Received(answer.url, "", True)
    part.remove()
    raise Interrupted("the part that is here is longer than the file")


def _validator(answer: requests.Response) -> str:
    """What tells at the next try whether the file is still the same."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _check_size(part: Part, start: int, total: int | None, limit: int) -> None:
    if total is None:
        return
    if total > limit:
        size, most = f"{total / MIB:,.0f} MiB", f"{limit / MIB:,.0f} MiB"
        raise TransferError(f"the server announces {size}, and the file has no more than {most}")
    free = shutil.disk_usage(part.path.parent).free
    if total - start > free:
        raise OSError(errno.ENOSPC, f"No space left on device for {total - start:,} bytes")
