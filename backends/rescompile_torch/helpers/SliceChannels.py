from torch import Tensor, nn


class SliceChannels(nn.Module):
    """The channels from start up to, not including, stop."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start = start
        self.stop = stop

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop]
