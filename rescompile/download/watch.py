"""Who is told of a download while it lasts; by itself, nobody."""

from __future__ import annotations


class Watch:
    """Told what happens."""

    def say(self, text: str) -> None:
        """Something that is worth a line."""

    def progress(self, done: int, total: int | None) -> None:
        """So many bytes are there, of so many where that is known."""
