"""The meaning of the IR in plain NumPy float64: it says who is right when two frameworks disagree.

`MEANINGS` defines every operation (`operations`), `PULLBACKS` its derivative (`pullbacks`); `run`
executes a whole network and `step` differentiates it (`execution`).
"""

from .execution import Result, Step, run, step
from .operations import MEANINGS, Array, Params, new_running_statistics
from .pullbacks import PULLBACKS

__all__ = [
    "MEANINGS",
    "PULLBACKS",
    "Array",
    "Params",
    "Result",
    "Step",
    "new_running_statistics",
    "run",
    "step",
]
