from keras import KerasTensor, layers


def unflatten(x: KerasTensor, size: tuple[int, int], *, name: str) -> KerasTensor:
    """A vector as maps of a size, in the order channels, rows, columns, as PyTorch has it."""
    x = layers.Reshape((-1, *size), name=f"{name}_maps")(x)
    return layers.Permute((2, 3, 1), name=name)(x)
