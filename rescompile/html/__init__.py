"""Reports as one HTML page that needs nothing else: no network, no other file."""

from .document import Page, page

__all__ = ["Page", "page"]
