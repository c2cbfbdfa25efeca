import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SameAvgPool1d(nn.AvgPool1d):
    """A mean padded as TensorFlow's `same` is, which depends on the size of the map."""

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int],
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, count_include_pad=count_include_pad)

    def forward(self, x: Tensor) -> Tensor:
        missing = self.missing(x.shape[2], 0)
        sides = (missing // 2, missing - missing // 2)
        y = super().forward(F.pad(x, sides))
        if self.count_include_pad:
            return y
        return y / super().forward(F.pad(torch.ones_like(x[:1, :1]), sides))

    def missing(self, extent: int, axis: int) -> int:
        """How many pixels the last window reaches beyond the map, or 0."""
        window = (self.kernel_size, self.stride)
        kernel, stride = (n if isinstance(n, int) else n[axis] for n in window)
        beyond = (-(-extent // stride) - 1) * stride + kernel - extent
        return (beyond + abs(beyond)) // 2  # max(beyond, 0), but traceable
