import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class GlobalAttentionPooling(layers.Layer):
    """The mean over all positions, weighed by the softmax of the last channel (Cao et al. 2019)."""

    def __init__(self, keepdims: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.keepdims = keepdims

    def call(self, x: KerasTensor) -> KerasTensor:
        places = tuple(range(1, len(x.shape) - 1))
        values, scores = x[..., :-1], x[..., -1:]
        most = keras.ops.stop_gradient(keras.ops.max(scores, axis=places, keepdims=True))
        raised = keras.ops.exp(scores - most)
        weights = raised / keras.ops.sum(raised, axis=places, keepdims=True)
        return keras.ops.sum(values * weights, axis=places, keepdims=self.keepdims)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "keepdims": self.keepdims}
