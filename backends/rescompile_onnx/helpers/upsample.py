import numpy as np

from .op import op
from .Value import Value


def upsample(x: Value, scale: int, mode: str = "nearest", *, name: str) -> Value:
    """Pixels are squares, of which the nearest is taken, or their centres are linked."""
    how = {"coordinate_transformation_mode": "half_pixel", "mode": "linear"}
    if mode == "nearest":
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    scales = np.array([1, 1, scale, scale], np.float32)
    return op.Resize(x, None, scales, name=name, **how)
