"""Lowering: from the validated spec to the IR, the only package that sees both.

Numbers and expressions go through symbolically; words (kinds of activation, norm, shortcut) do not:
a block whose words differ between calls becomes one IR block for each combination.
"""

from .features import backbone
from .network import lower
from .outputs import check_inside
from .reached import check_reached

__all__ = ["backbone", "check_inside", "check_reached", "lower"]
