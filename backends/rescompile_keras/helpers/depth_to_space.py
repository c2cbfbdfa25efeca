from keras import KerasTensor, layers


def depth_to_space(x: KerasTensor, scale: int, *, name: str) -> KerasTensor:
    """Channels become squares of pixels, in PyTorch's order (Shi et al. 2016)."""
    height, width, channels = x.shape[1:]
    depth = channels // (scale * scale)
    x = layers.Reshape((height, width, depth, scale, scale), name=f"{name}_split")(x)
    x = layers.Permute((1, 4, 2, 5, 3), name=f"{name}_swap")(x)
    return layers.Reshape((height * scale, width * scale, depth), name=name)(x)
