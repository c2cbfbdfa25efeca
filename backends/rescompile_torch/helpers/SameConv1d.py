from torch import Tensor, nn
from torch.nn import functional as F


class SameConv1d(nn.Conv1d):
    """A convolution padded as TensorFlow's `same` is, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        missing = self.missing(x.shape[2], 0)
        return super().forward(F.pad(x, (missing // 2, missing - missing // 2)))

    def missing(self, extent: int, axis: int) -> int:
        """How many pixels the last window reaches beyond the map, or 0."""
        reach, stride = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1, self.stride[axis]
        beyond = (-(-extent // stride) - 1) * stride + reach - extent
        return (beyond + abs(beyond)) // 2  # max(beyond, 0), but traceable
