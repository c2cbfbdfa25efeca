import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class CELU(layers.Layer):
    """x where positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    def __init__(self, alpha: float = 1.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, x: KerasTensor) -> KerasTensor:
        return self.alpha * keras.ops.elu(x / self.alpha)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "alpha": self.alpha}
