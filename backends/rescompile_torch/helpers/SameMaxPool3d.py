from torch import Tensor, nn
from torch.nn import functional as F


class SameMaxPool3d(nn.MaxPool3d):
    """A pool padded as TensorFlow's `same` is, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        missing = [self.missing(x.shape[axis + 2], axis) for axis in (2, 1, 0)]
        sides = [side for n in missing for side in (n // 2, n - n // 2)]
        y: Tensor = super().forward(F.pad(x, sides, value=float("-inf")))
        return y

    def missing(self, extent: int, axis: int) -> int:
        """How many pixels the last window reaches beyond the map, or 0."""
        window = (self.kernel_size, self.stride)
        kernel, stride = (n if isinstance(n, int) else n[axis] for n in window)
        beyond = (-(-extent // stride) - 1) * stride + kernel - extent
        return (beyond + abs(beyond)) // 2  # max(beyond, 0), but traceable
