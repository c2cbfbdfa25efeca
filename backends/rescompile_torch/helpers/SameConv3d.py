from torch import Tensor, nn
from torch.nn import functional as F


class SameConv3d(nn.Conv3d):
    """A convolution padded as TensorFlow's `same` is, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        missing = [self.missing(x.shape[axis + 2], axis) for axis in (2, 1, 0)]
        sides = [side for n in missing for side in (n // 2, n - n // 2)]
        return super().forward(F.pad(x, sides))

    def missing(self, extent: int, axis: int) -> int:
        """How many pixels the last window reaches beyond the map, or 0."""
        reach, stride = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1, self.stride[axis]
        beyond = (-(-extent // stride) - 1) * stride + reach - extent
        return (beyond + abs(beyond)) // 2  # max(beyond, 0), but traceable
