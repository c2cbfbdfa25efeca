"""Published weights from one framework to another, bit for bit, without a line of code in between.

A file belongs to the backend that declares its suffix, or to no framework (`interchange`). It is
read into the portable form of `emit.weights`, matched with the tensors of a spec, and written out.
"""

from .conversion import convert
from .done import Conversion

__all__ = ["Conversion", "convert"]
