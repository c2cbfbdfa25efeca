import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class AdaptiveMaxPooling1D(layers.Layer):
    """The maximum of each cell of a grid over the map, whatever the size of the map."""

    def __init__(self, output_size: tuple[int, int], **kwargs) -> None:
        super().__init__(**kwargs)
        self.output_size = output_size

    def call(self, x: KerasTensor) -> KerasTensor:
        for axis, count in enumerate(self.output_size, 1):
            cells = self.cells(x.shape[axis], count)
            parts = [keras.ops.take(x, range(a, b), axis=axis) for a, b in cells]
            x = keras.ops.stack([keras.ops.max(part, axis=axis) for part in parts], axis=axis)
        return x

    @staticmethod
    def cells(extent: int, count: int) -> list[tuple[int, int]]:
        """Start and end of each cell, the latter rounded up."""
        starts = [i * extent // count for i in range(count)]
        ends = [-(-i * extent // count) for i in range(1, count + 1)]
        return list(zip(starts, ends, strict=True))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "output_size": self.output_size}
