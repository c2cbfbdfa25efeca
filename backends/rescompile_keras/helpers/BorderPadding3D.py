import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class BorderPadding3D(layers.Layer):
    """Pixels around the map, taken from it: mirrored at its border, or the outermost ones."""

    def __init__(
        self,
        padding: tuple[tuple[int, int], tuple[int, int], tuple[int, int]],
        mode: str,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.padding = padding
        self.mode = mode

    def call(self, x: KerasTensor) -> KerasTensor:
        for axis, (before, after) in enumerate(self.padding, start=1):
            last = x.shape[axis] - 1
            places = range(-before, last + 1 + after)
            pixels = [self.source(place, last) for place in places]
            x = keras.ops.take(x, pixels, axis=axis)
        return x

    def source(self, place: int, last: int) -> int:
        """Which pixel is at a place, of those from 0 to the last."""
        if self.mode == "reflect":
            return last - abs(last - abs(place))
        return min(max(place, 0), last)

    def get_config(self) -> dict[str, object]:
        return {
            **super().get_config(),
            "padding": self.padding,
            "mode": self.mode,
        }
