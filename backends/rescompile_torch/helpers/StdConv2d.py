import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StdConv2d(nn.Module):
    """A convolution by weights of mean 0 and variance 1 for each output (Qiao et al. 2019).

    With gain they are scaled by gamma / sqrt(fan-in) and by a learned factor (Brock et al. 2021).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int, int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
    ) -> None:
        super().__init__()
        size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        shape = (out_channels, in_channels // groups, *size)
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.gain = nn.Parameter(torch.ones(out_channels, 1, 1, 1)) if gain else None
        self.sides = (padding,) * 4 if isinstance(padding, int) else padding
        self.stride, self.dilation = stride, dilation
        self.groups, self.eps = groups, eps
        self.scale = gamma / self.weight[0].numel() ** 0.5 if gain else 1.0

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        weight = (self.weight - mean) / torch.sqrt(variance + self.eps)
        if self.gain is not None:
            weight = weight * self.gain * self.scale
        x = F.pad(x, self.sides)
        return F.conv2d(x, weight, self.bias, self.stride, 0, self.dilation, self.groups)
