from keras import KerasTensor, layers


def split_softmax(x: KerasTensor, splits: int, groups: int, *, name: str) -> KerasTensor:
    """Softmax across equal parts of the channels (Li et al. 2019)."""
    shape = x.shape[1:]
    x = layers.Reshape((-1, splits, shape[-1] // (groups * splits)), name=f"{name}_split")(x)
    x = layers.Softmax(axis=-2, name=f"{name}_softmax")(x)
    return layers.Reshape(shape, name=name)(x)
