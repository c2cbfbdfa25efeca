import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class SoftShrink(layers.Layer):
    """x nearer to zero by the threshold, and 0 where it would pass it."""

    def __init__(self, threshold: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold

    def call(self, x: KerasTensor) -> KerasTensor:
        return x - keras.ops.clip(x, -self.threshold, self.threshold)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "threshold": self.threshold}
