from torch import Tensor, nn
from torch.nn import functional as F


class PaddedConv1d(nn.Conv1d):
    """A convolution whose padding differs between sides: left, right."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias)
        self.sides = padding

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.sides))
