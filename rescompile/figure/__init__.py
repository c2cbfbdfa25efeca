"""Pictures of networks: one scene, laid out here, and a renderer for each format."""

from __future__ import annotations

from .figure import STYLES, Figure, figure

__all__ = ["STYLES", "Figure", "figure"]
