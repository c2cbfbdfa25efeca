from torch import Tensor, nn


class ChannelMean(nn.Module):
    """The mean over the channels at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)
