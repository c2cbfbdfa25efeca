import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class LogSigmoid(layers.Layer):
    """log(1 / (1 + exp(-x)))."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.log_sigmoid(x)
