import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class AdaptiveMaxPooling2D(layers.Layer):
    """The maximum of each cell of a grid over the map, whatever the size of the map."""

    def __init__(self, output_size: tuple[int, int], **kwargs) -> None:
        super().__init__(**kwargs)
        self.output_size = output_size

    def call(self, x: KerasTensor) -> KerasTensor:
        rows, columns = self.output_size
        cells = self.cells(x.shape[1], rows)
        greatest = [keras.ops.max(x[:, a:b], axis=1) for a, b in cells]
        x = keras.ops.stack(greatest, axis=1)
        cells = self.cells(x.shape[2], columns)
        greatest = [keras.ops.max(x[:, :, a:b], axis=2) for a, b in cells]
        return keras.ops.stack(greatest, axis=2)

    @staticmethod
    def cells(extent: int, count: int) -> list[tuple[int, int]]:
        """Start and end of each cell, the latter rounded up."""
        starts = [i * extent // count for i in range(count)]
        ends = [-(-i * extent // count) for i in range(1, count + 1)]
        return list(zip(starts, ends, strict=True))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "output_size": self.output_size}
