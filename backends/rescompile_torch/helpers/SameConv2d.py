from torch import Tensor, nn
from torch.nn import functional as F


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's `same` is, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.missing(x.shape[2], 0), self.missing(x.shape[3], 1)
        sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        return super().forward(F.pad(x, sides))

    def missing(self, extent: int, axis: int) -> int:
        """How many pixels the last window reaches beyond the map, or 0."""
        reach, stride = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1, self.stride[axis]
        beyond = (-(-extent // stride) - 1) * stride + reach - extent
        return (beyond + abs(beyond)) // 2  # max(beyond, 0), but traceable
