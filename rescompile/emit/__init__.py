"""What a backend is, and what every backend shares: the contract, naming, layout, scheduling.

A backend imports this package, `rescompile.ir` and `rescompile.errors`, and nothing else of ours.
"""

from .contract import Backend, Request, Runtime
from .naming import Names, pascal_case
from .summary import Summary
from .template import environment

__all__ = ["Backend", "Names", "Request", "Runtime", "Summary", "environment", "pascal_case"]
