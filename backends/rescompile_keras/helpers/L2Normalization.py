import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class L2Normalization(layers.Layer):
    """x over its Euclidean norm along the channels: UnitNormalization with an epsilon."""

    def __init__(self, epsilon: float = 1e-12, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, x: KerasTensor) -> KerasTensor:
        squares = keras.ops.sum(x * x, axis=-1, keepdims=True)
        return x * keras.ops.rsqrt(keras.ops.maximum(squares, self.epsilon**2))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "epsilon": self.epsilon}
