from torch import Tensor, nn


class SplitSoftmax(nn.Module):
    """Softmax across equal parts of the channels (Li et al. 2019)."""

    def __init__(self, splits: int, groups: int = 1) -> None:
        super().__init__()
        self.splits = splits
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        parts = x.reshape(x.shape[0], self.groups, self.splits, -1)
        return parts.softmax(2).reshape(x.shape)
