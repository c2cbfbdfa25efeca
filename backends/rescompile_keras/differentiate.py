"""Gradients of a Keras model's loss on each of the engines that Keras runs on.

The loss is -sum(targets * log_softmax(output)) over all outputs, the softmax over the last axis.
"""

from __future__ import annotations

from typing import Any

import keras

Differentiated = tuple[list[Any], dict[str, Any], Any]


def differentiate(model: Any, x: Any, targets: list[Any]) -> Differentiated:
    """Outputs in training mode, the gradients by path of variable, and that of the input."""
    return ENGINES[keras.backend.backend()](model, x, targets)


def _listed(made: Any) -> list[Any]:
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _loss(outputs: list[Any], targets: list[Any]) -> Any:
    terms = [
        keras.ops.sum(target * keras.ops.log_softmax(output, axis=-1))
        for output, target in zip(outputs, targets, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return -total


def _by_path(model: Any, gradients: list[Any]) -> dict[str, Any]:
    paths = [variable.path for variable in model.trainable_variables]
    return dict(zip(paths, gradients, strict=True))


def _tensorflow(model: Any, x: Any, targets: list[Any]) -> Differentiated:
    import tensorflow as tf

    values = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = _listed(model(x, training=True))
        loss = _loss(outputs, targets)
    zero = tf.UnconnectedGradients.ZERO
    first, *rest = tape.gradient(loss, [x, *values], unconnected_gradients=zero)
    return outputs, _by_path(model, rest), first


def _jax(model: Any, x: Any, targets: list[Any]) -> Differentiated:
    import jax

    def loss(trainable: Any, x: Any) -> Any:
        made, state = model.stateless_call(trainable, fixed, x, training=True)
        return _loss(_listed(made), targets), (_listed(made), state)

    trainable = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]
    (rest, first), (outputs, state) = jax.grad(loss, argnums=(0, 1), has_aux=True)(trainable, x)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return outputs, _by_path(model, rest), first


def _torch(model: Any, x: Any, targets: list[Any]) -> Differentiated:
    import torch

    x = x.detach().requires_grad_()
    outputs = _listed(model(x, training=True))
    values = [variable.value for variable in model.trainable_variables]
    first, *rest = torch.autograd.grad(
        _loss(outputs, targets), [x, *values], allow_unused=True, materialize_grads=True
    )
    return outputs, _by_path(model, rest), first


ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
