import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class LocalResponseNormalization(layers.Layer):
    """x / (k + alpha * mean) ** beta, of the squares of neighbouring channels."""

    def __init__(self, size: int, alpha: float, beta: float, k: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def call(self, x: KerasTensor) -> KerasTensor:
        channels, around = x.shape[-1], (self.size // 2, (self.size - 1) // 2)
        squares = keras.ops.pad(x * x, ((0, 0), (0, 0), (0, 0), around))
        total = sum(squares[..., i : i + channels] for i in range(self.size))
        return x / keras.ops.power(self.k + self.alpha / self.size * total, self.beta)

    def get_config(self) -> dict[str, object]:
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
        }
