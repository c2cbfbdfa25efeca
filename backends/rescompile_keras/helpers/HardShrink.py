import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class HardShrink(layers.Layer):
    """x where |x| is above the threshold, else 0."""

    def __init__(self, threshold: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.where(keras.ops.abs(x) > self.threshold, x, 0.0)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "threshold": self.threshold}
