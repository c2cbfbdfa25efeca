import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class GlobalResponseNormalization(layers.Layer):
    """Channels weighed by their norm over the map (Woo et al. 2023)."""

    def __init__(self, epsilon: float = 1e-6, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(shape=channels, initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=channels, initializer="zeros", name="beta")

    def call(self, x: KerasTensor) -> KerasTensor:
        total = keras.ops.sum(x * x, axis=(1, 2), keepdims=True)
        # The root has no slope at zero, which is taken for zero as in PyTorch.
        root = keras.ops.sqrt(keras.ops.where(total > 0, total, keras.ops.ones_like(total)))
        norm = keras.ops.where(total > 0, root, keras.ops.zeros_like(total))
        share = norm / (keras.ops.mean(norm, axis=-1, keepdims=True) + self.epsilon)
        return x + self.gamma * (x * share) + self.beta

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "epsilon": self.epsilon}
