from torch import Tensor, nn


class Permute(nn.Module):
    """The dimensions of a tensor in another order."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)
