import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class ChannelMax(layers.Layer):
    """The maximum over the channels at each position."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.max(x, axis=-1, keepdims=True)
