from torch import Tensor, nn


class ChannelMax(nn.Module):
    """The maximum over the channels at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(1, keepdim=True)
