"""Gradients of a Keras model's loss on each of the engines that Keras runs on.

The loss is -sum(targets * log_softmax(output)) over all outputs, the softmax over the last axis.
"""

from __future__ import annotations

from typing import Any

import keras

Differentiated = tuple[list[Any], dict[str, Any], Any]
Engine = tuple[list[Any], list[Any], Any]  # what one gives: gradients in the order of variables


def differentiate(model: Any, x: Any, targets: list[Any]) -> Differentiated:
    """Outputs in training mode, the gradients by path of variable, and that of the input."""
    outputs, gradients, first = ENGINES[keras.backend.backend()](model, x, targets)
    paths = [variable.path for variable in model.trainable_variables]
    return outputs, dict(zip(paths, gradients, strict=True)), first


def listed(made: Any) -> list[Any]:
    """The outputs of a model, which gives one by itself."""
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _loss(outputs: list[Any], targets: list[Any]) -> Any:
    pairs = zip(outputs, targets, strict=True)
    return -sum(keras.ops.sum(t * keras.ops.log_softmax(o, axis=-1)) for o, t in pairs)


def _tensorflow(model: Any, x: Any, targets: list[Any]) -> Engine:
    import tensorflow as tf

    values = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = listed(model(x, training=True))
        loss = _loss(outputs, targets)
    zero = tf.UnconnectedGradients.ZERO
    first, *rest = tape.gradient(loss, [x, *values], unconnected_gradients=zero)
    return outputs, rest, first


def _jax(model: Any, x: Any, targets: list[Any]) -> Engine:
    import jax

    def loss(trainable: Any, x: Any) -> Any:
        made, state = model.stateless_call(trainable, fixed, x, training=True)
        return _loss(listed(made), targets), (listed(made), state)

    trainable = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]
    (rest, first), (outputs, state) = jax.grad(loss, argnums=(0, 1), has_aux=True)(trainable, x)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return outputs, rest, first


def _torch(model: Any, x: Any, targets: list[Any]) -> Engine:
    import torch

    x = x.detach().requires_grad_()
    outputs = listed(model(x, training=True))
    values = [variable.value for variable in model.trainable_variables]
    first, *rest = torch.autograd.grad(
        _loss(outputs, targets), [x, *values], allow_unused=True, materialize_grads=True
    )
    return outputs, rest, first


ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
