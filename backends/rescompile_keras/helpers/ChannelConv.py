import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class ChannelConv(layers.Layer):
    """A convolution over the channels of one pixel (Wang et al. 2020)."""

    def __init__(
        self,
        size: int,
        use_bias: bool = False,
        kernel_initializer: keras.Initializer | str = "glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            shape=(self.size, 1, 1), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, x: KerasTensor) -> KerasTensor:
        channels = keras.ops.reshape(x, (-1, x.shape[-1], 1))
        y = keras.ops.conv(channels, self.kernel, padding="same")
        if self.use_bias:
            y = y + self.bias
        return keras.ops.reshape(y, (-1, *x.shape[1:]))

    def get_config(self) -> dict[str, object]:
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "size": self.size,
            "use_bias": self.use_bias,
            "kernel_initializer": initializer,
        }
