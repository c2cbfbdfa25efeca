import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class HardTanh(layers.Layer):
    """x within -1 and 1."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.clip(x, -1.0, 1.0)
