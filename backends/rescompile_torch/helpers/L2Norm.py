from torch import Tensor, nn
from torch.nn import functional as F


class L2Norm(nn.Module):
    """x over its Euclidean norm along the channels, at each position."""

    def __init__(self, eps: float = 1e-12) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1, eps=self.eps)
