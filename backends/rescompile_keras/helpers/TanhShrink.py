import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class TanhShrink(layers.Layer):
    """x - tanh(x)."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return x - keras.ops.tanh(x)
