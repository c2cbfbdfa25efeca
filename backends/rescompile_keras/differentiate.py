"""Gradients of a Keras model's loss on each of the engines that Keras runs on.

The loss is -sum(targets * log_softmax(output)) over all outputs, the softmax over the last axis.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

Differentiated = tuple[list[Any], dict[str, Any], list[Any]]
TRACED = "traced_step"  # what a model keeps its traced function as
Engine = tuple[list[Any], list[Any], list[Any]]  # of one: gradients in the order of variables


def differentiate(model: Any, inputs: list[Any], targets: list[Any]) -> Differentiated:
    """Outputs in training mode, the gradients by path of variable, and those of the inputs."""
    outputs, gradients, first = ENGINES[keras.backend.backend()](model, inputs, targets)
    paths = [variable.path for variable in model.trainable_variables]
    return outputs, dict(zip(paths, gradients, strict=True)), first


def listed(made: Any) -> list[Any]:
    """The outputs of a model, which gives one by itself."""
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _loss(outputs: list[Any], targets: list[Any]) -> Any:
    pairs = zip(outputs, targets, strict=True)
    return -sum(keras.ops.sum(t * keras.ops.log_softmax(o, axis=-1)) for o, t in pairs)


def forget(model: Any) -> None:
    """Trace a model anew: it was changed since."""
    vars(model).pop(TRACED, None)


def _tensorflow(model: Any, inputs: list[Any], targets: list[Any]) -> Engine:
    """Traced where convolutions have groups: Keras compiles each of them anew at every call."""
    import tensorflow as tf

    if not _has_groups(model):
        return _taped(model, inputs, targets)
    if TRACED not in vars(model):
        vars(model)[TRACED] = tf.function(partial(_taped, model))
    made: Engine = vars(model)[TRACED](inputs, targets)
    return made


def _has_groups(model: Any) -> bool:
    """Whether a convolution has: a norm may have groups of its own."""
    return any(
        _has_groups(layer)
        if isinstance(layer, keras.Model)
        else hasattr(layer, "kernel_size") and getattr(layer, "groups", 1) > 1
        for layer in model.layers
    )


def _taped(model: Any, inputs: list[Any], targets: list[Any]) -> Engine:
    import tensorflow as tf

    values = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = listed(model(inputs, training=True))
        loss = _loss(outputs, targets)
    zero = tf.UnconnectedGradients.ZERO
    first, rest = tape.gradient(loss, [inputs, values], unconnected_gradients=zero)
    return outputs, rest, first


def _jax(model: Any, inputs: list[Any], targets: list[Any]) -> Engine:
    import jax

    def loss(trainable: Any, inputs: list[Any]) -> Any:
        made, state = model.stateless_call(trainable, fixed, inputs, training=True)
        return _loss(listed(made), targets), (listed(made), state)

    trainable = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]
    both = jax.grad(loss, argnums=(0, 1), has_aux=True)
    (rest, first), (outputs, state) = both(trainable, inputs)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return outputs, rest, first


def _torch(model: Any, inputs: list[Any], targets: list[Any]) -> Engine:
    import torch

    inputs = [x.detach().requires_grad_() for x in inputs]
    outputs = listed(model(inputs, training=True))
    values = [variable.value for variable in model.trainable_variables]
    found = torch.autograd.grad(
        _loss(outputs, targets), [*inputs, *values], allow_unused=True, materialize_grads=True
    )
    return outputs, list(found[len(inputs) :]), list(found[: len(inputs)])


ENGINES = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
