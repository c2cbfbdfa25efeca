import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class LayerScale(layers.Layer):
    """A learned factor for each channel (Touvron et al. 2021), or one for all."""

    def __init__(self, init: float, shared: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.init = init
        self.shared = shared

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(
            shape=() if self.shared else (input_shape[-1],),
            initializer=keras.initializers.Constant(self.init),
            name="scale",
        )

    def call(self, x: KerasTensor) -> KerasTensor:
        return x * self.scale

    def get_config(self) -> dict[str, object]:
        given = {"init": self.init, "shared": self.shared}
        return {**super().get_config(), **given}
