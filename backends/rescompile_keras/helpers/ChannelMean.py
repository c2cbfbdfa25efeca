import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class ChannelMean(layers.Layer):
    """The mean over the channels at each position."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.mean(x, axis=-1, keepdims=True)
