import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class StdConv2D(layers.Layer):
    """A convolution by weights of mean 0 and variance 1 for each output (Qiao et al. 2019).

    With gain they are scaled by gamma / sqrt(fan-in) and by a learned factor (Brock et al. 2021).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str | tuple[tuple[int, int], tuple[int, int]] = "valid",
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        epsilon: float = 1e-6,
        gain: bool = False,
        gamma: float = 1.0,
        kernel_initializer: keras.Initializer | str = "glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.groups = filters, groups
        self.kernel_size, self.strides = kernel_size, strides
        self.padding, self.dilation_rate = padding, dilation_rate
        self.use_bias, self.use_gain = use_bias, gain
        self.epsilon, self.gamma = epsilon, gamma
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        channels = input_shape[-1] // self.groups
        shape = (*self.kernel_size, channels, self.filters)
        self.kernel = self.add_weight(
            shape=shape, initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = self.gain = None
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        if self.use_gain:
            self.gain = self.add_weight(shape=(self.filters,), initializer="ones", name="gain")
        height, width, entering, _ = shape
        self.scale = self.gamma / (height * width * entering) ** 0.5

    def call(self, x: KerasTensor) -> KerasTensor:
        kernel = self.kernel - keras.ops.mean(self.kernel, (0, 1, 2))
        variance = keras.ops.mean(keras.ops.square(kernel), (0, 1, 2))
        kernel = kernel / keras.ops.sqrt(variance + self.epsilon)
        if self.gain is not None:
            kernel = kernel * (self.gain * self.scale)
        padding = self.padding
        if padding not in ("same", "valid"):
            x, padding = keras.ops.pad(x, ((0, 0), *padding, (0, 0))), "valid"
        y = keras.ops.conv(x, kernel, self.strides, padding, dilation_rate=self.dilation_rate)
        return y if self.bias is None else y + self.bias

    def get_config(self) -> dict[str, object]:
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "use_bias": self.use_bias,
            "epsilon": self.epsilon,
            "gain": self.use_gain,
            "gamma": self.gamma,
            "kernel_initializer": initializer,
        }
