"""Where downloads come from and go to: what is said for once, or else by the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import Diagnostic, SpecError
from ..language.models.weights import LOOPBACK

CACHE, MIRROR, OFFLINE = "RESCOMPILE_CACHE", "RESCOMPILE_MIRROR", "RESCOMPILE_OFFLINE"
NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """What is None is as the environment says.

    `cache` is the folder of files, by default $RESCOMPILE_CACHE, or `rescompile` in $XDG_CACHE_HOME
    or ~/.cache, on every platform. `mirror` stands for the scheme and host of every address. With
    `offline` nothing is fetched.
    """

    cache: Path | None = None
    mirror: str | None = None
    offline: bool | None = None

    @property
    def folder(self) -> Path:
        """The cache. Raises `SpecError` where nothing tells a place for it."""
        if self.cache is not None:
            return self.cache
        given = os.environ.get(CACHE)
        folder = Path(given or os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        try:
            found = folder.expanduser()
        except RuntimeError:
            message = f"there is no folder for a cache: nothing tells where {folder} is"
            help = f"say where it is to be by {CACHE}"
            raise SpecError([Diagnostic("E308", message, help=help)]) from None
        return found if given else found / "rescompile"

    @property
    def is_offline(self) -> bool:
        if self.offline is None:
            return os.environ.get(OFFLINE, "").lower() not in NO
        return self.offline

    def address(self, url: str) -> str:
        """Where a file is fetched from that is published at `url`.

        Raises `SpecError` for a mirror that cannot be trusted.
        """
        mirror = os.environ.get(MIRROR, "") if self.mirror is None else self.mirror
        if not mirror:
            return url
        parts = urlsplit(mirror) if is_trusted(mirror) else None
        if parts is None or parts.username is not None or parts.query or parts.fragment:
            message = f"the mirror '{mirror}' is no address to fetch from by https"
            help = "write https://HOST/FOLDER; http is for this machine alone, and a password that "
            help += "a mirror asks for stands in ~/.netrc"
            raise SpecError([Diagnostic("E308", message, help=help)])
        return mirror.rstrip("/") + urlsplit(url).path


def is_trusted(url: str) -> bool:
    """Whether an address is of https, or of this machine.

    A hash of eight digits keeps out mistakes, not those who can change what travels in the open.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
