import keras
from keras import KerasTensor, layers


@keras.saving.register_keras_serializable(package="rescompile")
class UnbiasedBatchNormalization(layers.BatchNormalization):
    """Its moving variance takes a batch's unbiased variance: n / (n - 1) times Keras' own."""

    def call(
        self, x: KerasTensor, training: bool | None = None, mask: object = None
    ) -> KerasTensor:
        kept = self.moving_variance * self.momentum
        y = super().call(x, training=training, mask=mask)
        if training and self.trainable:
            n = keras.ops.cast(keras.ops.size(x), kept.dtype) / x.shape[-1]
            new = self.moving_variance - kept
            self.moving_variance.assign(kept + new * (n / (n - 1)))
        return y
