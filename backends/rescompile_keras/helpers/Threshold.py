import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class Threshold(layers.Layer):
    """x where it is above the threshold, else the value."""

    def __init__(self, threshold: float, value: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold
        self.value = value

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.ops.where(x > self.threshold, x, self.value)

    def get_config(self) -> dict[str, object]:
        given = {"threshold": self.threshold, "value": self.value}
        return {**super().get_config(), **given}
