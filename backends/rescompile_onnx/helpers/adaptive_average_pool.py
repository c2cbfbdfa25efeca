import numpy as np

from .op import op
from .Value import Value


def adaptive_average_pool(x: Value, size: list[int], *, name: str) -> Value:
    """The mean of each cell of a grid: rows are summed, then columns, then divided."""
    grids = []
    for extent, count in zip(x.shape[2:], size, strict=True):
        cells = np.arange(count + 1) * extent
        starts, ends = cells[:-1] // count, -(-cells[1:] // count)
        seen = np.arange(extent)
        inside = (starts[:, None] <= seen) & (seen < ends[:, None])
        grids.append(inside.astype(x.graph.dtype))
    rows, columns = grids
    area = rows.sum(axis=1)[:, None] * columns.sum(axis=1)
    above = x.graph.constant(f"{name}.rows", rows)
    y = op.MatMul(above, x, name=f"{name}.height")
    y = op.MatMul(y, columns.T, name=f"{name}.width")
    return op.Div(y, area, name=name)
