from keras import KerasTensor, layers


def space_to_depth(x: KerasTensor, scale: int, *, name: str) -> KerasTensor:
    """Squares of pixels become channels, in the order of PyTorch's PixelUnshuffle."""
    height, width, channels = x.shape[1:]
    rows, columns = height // scale, width // scale
    x = layers.Reshape((rows, scale, columns, scale, channels), name=f"{name}_split")(x)
    x = layers.Permute((1, 3, 5, 2, 4), name=f"{name}_swap")(x)
    return layers.Reshape((rows, columns, channels * scale * scale), name=name)(x)
