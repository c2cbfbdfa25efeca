from torch import Tensor, nn
from torch.nn import functional as F


class ZeroPad4d(nn.Module):
    """Zeros around the last four dimensions, the last one first."""

    def __init__(self, padding: tuple[int, int, int, int, int, int, int, int]) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.padding)
