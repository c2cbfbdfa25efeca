from keras import KerasTensor, layers


def channel_shuffle(x: KerasTensor, groups: int, *, name: str) -> KerasTensor:
    """Interleaves groups of channels (Zhang et al. 2017)."""
    height, width, channels = x.shape[1:]
    x = layers.Reshape((height, width, groups, channels // groups), name=f"{name}_split")(x)
    x = layers.Permute((1, 2, 4, 3), name=f"{name}_swap")(x)
    return layers.Reshape((height, width, channels), name=name)(x)
