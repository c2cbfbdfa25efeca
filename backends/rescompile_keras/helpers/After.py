import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class After(layers.Layer):
    """The first of two values, once the other is there: statistics are updated in that order."""

    def call(self, values: list[KerasTensor]) -> KerasTensor:
        return values[0]
