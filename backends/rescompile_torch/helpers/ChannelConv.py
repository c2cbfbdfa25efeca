from torch import Tensor, nn
from torch.nn import functional as F


class ChannelConv(nn.Conv1d):
    """A convolution over the channels of one pixel (Wang et al. 2020)."""

    def __init__(self, size: int, bias: bool = False) -> None:
        super().__init__(1, 1, size, padding=size // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv1d(x.flatten(1).unsqueeze(1), self.weight, self.bias, padding=self.padding)
        return y.reshape(x.shape)
