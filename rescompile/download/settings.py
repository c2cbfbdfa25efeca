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
    """`cache` is the folder of files; `mirror` stands for the scheme and host of every address.

    With `offline` nothing is fetched.
    """

    cache: Path
    mirror: str = ""
    offline: bool = False

    @classmethod
    def of(cls, mirror: str | None = None, offline: bool | None = None) -> Settings:
        """Those that are given, and for the others what the environment says.

        The cache is $RESCOMPILE_CACHE, or `rescompile` in $XDG_CACHE_HOME or ~/.cache, on every
        platform. Raises `SpecError` for a mirror that cannot be trusted.
        """
        found = os.environ.get(MIRROR, "") if mirror is None else mirror
        said = os.environ.get(OFFLINE, "").lower() not in NO
        if found and not is_trusted(found):
            message = f"the mirror '{found}' is not fetched by https"
            help = "give an address such as https://HOST/FOLDER; http is for this machine alone"
            raise SpecError([Diagnostic("E308", message, help=help)])
        return cls(_cache(), found, said if offline is None else offline)

    def address(self, url: str) -> str:
        """Where a file is fetched from that is published at `url`."""
        if not self.mirror:
            return url
        return self.mirror.rstrip("/") + urlsplit(url).path


def _cache() -> Path:
    if given := os.environ.get(CACHE):
        return Path(given).expanduser()
    folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(folder).expanduser() / "rescompile"


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
