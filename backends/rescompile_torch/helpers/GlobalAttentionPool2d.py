from torch import Tensor, nn


class GlobalAttentionPool2d(nn.Module):
    """The mean over all positions, weighed by the softmax of the last channel (Cao et al. 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2)
        y = x[:, :-1] @ x[:, -1:].softmax(2).transpose(1, 2)
        return y.unsqueeze(3)
