from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm3d(nn.LayerNorm):
    """Normalises over the channels at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 4, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 4, 1, 2, 3)
