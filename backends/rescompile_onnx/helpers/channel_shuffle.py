from .op import op
from .Value import Value


def channel_shuffle(x: Value, groups: int, *, name: str) -> Value:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    _, channels, height, width = x.shape
    split = [0, groups, channels // groups, height, width]
    y = op.Reshape(x, split, name=f"{name}.split")
    y = op.Transpose(y, perm=[0, 2, 1, 3, 4], name=f"{name}.swap")
    return op.Reshape(y, [0, channels, height, width], name=name)
