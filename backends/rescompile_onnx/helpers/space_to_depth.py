from .op import op
from .Value import Value


def space_to_depth(x: Value, scale: int, *, name: str) -> Value:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    _, channels, height, width = x.shape
    rows, columns, depth = height // scale, width // scale, channels * scale**2
    split = [0, channels, rows, scale, columns, scale]
    y = op.Reshape(x, split, name=f"{name}.split")
    y = op.Transpose(y, perm=[0, 1, 3, 5, 2, 4], name=f"{name}.swap")
    return op.Reshape(y, [0, depth, rows, columns], name=name)
