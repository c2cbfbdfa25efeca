import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class LayerScale(layers.Layer):
    """A learned factor for each channel (Touvron et al. 2021)."""

    def __init__(self, init: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.init = init

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.init),
            name="scale",
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * self.scale

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "init": self.init}
