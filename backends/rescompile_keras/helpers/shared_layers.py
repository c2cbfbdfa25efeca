from collections.abc import Callable

import keras
from keras import KerasTensor


def shared_layers(shape: tuple[int | None, ...], *, name: str) -> Callable[..., keras.Model]:
    """Makes a model of a function: layers that are called more than once."""

    def make(build: Callable[[KerasTensor], KerasTensor | tuple[KerasTensor, ...]]) -> keras.Model:
        inputs = keras.Input(shape)
        return keras.Model(inputs, build(inputs), name=name)

    return make
