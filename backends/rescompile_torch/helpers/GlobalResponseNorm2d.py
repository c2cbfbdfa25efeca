import torch
from torch import Tensor, nn


class GlobalResponseNorm2d(nn.Module):
    """Channels weighed by their norm over the map (Woo et al. 2023)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        share = norm / (norm.mean(1, keepdim=True) + self.eps)
        return x + self.weight[:, None, None] * (x * share) + self.bias[:, None, None]
