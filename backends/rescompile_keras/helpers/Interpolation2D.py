import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class Interpolation2D(layers.Layer):
    """A map of a size, between whose pixels those of a smaller one are interpolated.

    The borders of both maps lie upon each other, or with align_corners their outermost pixels.
    """

    def __init__(
        self,
        size: tuple[int, int],
        interpolation: str = "nearest",
        align_corners: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.size = tuple(size)
        self.interpolation = interpolation
        self.align_corners = align_corners

    def call(self, x: KerasTensor) -> KerasTensor:
        for axis, count in enumerate(self.size, 1):
            places = self.places(x.shape[axis], count)
            low = [int(place) for place in places]
            y = keras.ops.take(x, low, axis)
            if self.interpolation == "bilinear":
                high = [min(at + 1, x.shape[axis] - 1) for at in low]
                pairs = zip(places, low, strict=True)
                share = [place - at for place, at in pairs]
                share = keras.ops.convert_to_tensor(share, x.dtype)
                share = keras.ops.reshape(share, (-1, *[1] * (3 - axis)))
                y = y * (1 - share) + keras.ops.take(x, high, axis) * share
            x = y
        return x

    def places(self, extent: int, count: int) -> list[float]:
        """Where each pixel lies along an axis of a smaller map."""
        if self.interpolation == "nearest":
            return [i * extent // count for i in range(count)]
        if self.align_corners:
            return [i * (extent - 1) / max(count - 1, 1) for i in range(count)]
        centres = [(i + 0.5) * extent / count - 0.5 for i in range(count)]
        return [min(max(centre, 0), extent - 1) for centre in centres]

    def get_config(self) -> dict[str, object]:
        return {
            **super().get_config(),
            "size": self.size,
            "interpolation": self.interpolation,
            "align_corners": self.align_corners,
        }
