"""The meaning of the IR in plain NumPy float64: it says who is right when two frameworks disagree.

`MEANINGS` defines every operation (`operations`), `run` a whole network (`execution`).
"""

from .execution import Result, run
from .operations import MEANINGS, Array, Params, new_running_statistics

__all__ = ["MEANINGS", "Array", "Params", "Result", "new_running_statistics", "run"]
