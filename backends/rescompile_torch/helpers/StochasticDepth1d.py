from torch import Tensor, nn
from torch.nn import functional as F


class StochasticDepth1d(nn.Module):
    """Drops whole samples in training (Huang et al. 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0.0:
            return x
        return x * F.dropout(x.new_ones([x.shape[0], 1, 1]), self.rate)
