"""The meaning of the IR in plain NumPy float64: it says who is right when two frameworks disagree.

`MEANINGS` defines every operation (`forward`), `VJPS` its vector-Jacobian product (`vjps`); `run`
executes a whole network and `step` differentiates it (`executor`).
"""

from .arrays import Array, Params
from .executor import Gradients, Result, run, step
from .forward import MEANINGS
from .forward.norm import new_running_statistics
from .vjps import VJPS

__all__ = [
    "MEANINGS",
    "VJPS",
    "Array",
    "Params",
    "Result",
    "Gradients",
    "new_running_statistics",
    "run",
    "step",
]
