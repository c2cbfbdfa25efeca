"""Files of published weights, fetched into a cache: whole and as their hash says, or not at all."""

from .fetching import Fetched, fetch, place
from .settings import Settings
from .watch import Watch

__all__ = ["Fetched", "Settings", "Watch", "fetch", "place"]
