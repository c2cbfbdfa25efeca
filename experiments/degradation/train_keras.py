"""The training in Keras: `fit`, on whichever backend Keras has."""

from __future__ import annotations

import json
import os
import platform
from itertools import count
from typing import Any

import keras
import numpy as np

from rescompile.files import replacing

from .errors import StudyError
from .execution import Execution
from .machine import processor
from .recipe import Recipe
from .run import Run, emitted

EVALUATED = 500  # images at a time


def train(run: Run, threads: int | None = None) -> None:
    """From the start or the last checkpoint to the end; each evaluation ends an epoch of `fit`."""
    run.machine = machine(threads)
    distribute(run.execution)
    run.execution.on(gpu=run.machine["machine"]["device"] == "gpu")
    run.machine["machine"]["devices"] = run.execution.devices
    keras.utils.set_random_seed(run.seed)
    model = prepare(run.network, run.recipe, run.scale.pixels, run.execution.precision)
    if run.checkpoint.exists():
        load(run, model)
    every, done = run.scale.every, count(run.start + 1)

    def begin(epoch: int, logs: Any = None) -> None:
        set_rate(model.optimizer, run.rate(epoch * every))

    def end(epoch: int, logs: Any = None) -> None:
        iteration = (epoch + 1) * every
        run.evaluate(iteration, lambda images: predict(model, images, run.execution.devices))
        save(run, iteration, model)

    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=begin,
        on_epoch_end=end,
        on_train_batch_end=lambda batch, logs: run.progress(next(done)),
    )
    model.fit(
        run.batches.stream(run.start),
        steps_per_epoch=every,
        initial_epoch=run.start // every,
        epochs=run.scale.iterations // every,
        callbacks=[callback],
        shuffle=False,  # the stream has its order
        verbose=0,
    )


def distribute(execution: Execution) -> None:
    """Have each batch lie on several devices of JAX. Raises `StudyError` where there are none."""
    if execution.devices == 1:
        return
    if keras.backend.backend() != "jax":
        raise StudyError("Keras has several devices on JAX alone: set KERAS_BACKEND=jax")
    found = keras.distribution.list_devices()
    if len(found) < execution.devices:
        flag = f"XLA_FLAGS=--xla_force_host_platform_device_count={execution.devices}"
        raise StudyError(f"JAX has {len(found)} of {execution.devices} devices; of a CPU, {flag}")
    devices = found[: execution.devices]
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))


def prepare(network: str, recipe: Recipe, pixels: int, precision: str = "") -> Any:
    """The emitted model with new weights, compiled so that it follows PyTorch's path."""
    if precision not in ("", "float32"):  # "" is what Keras is set to
        keras.config.set_dtype_policy(f"mixed_{precision}")
    model = emitted("keras", network)((pixels, pixels, 3))
    if model.output.dtype != keras.config.floatx():
        logits = keras.layers.Activation("linear", dtype="float32", name="logits")(model.output)
        model = keras.Model(model.input, logits)
    for variable in model.trainable_variables:  # coupled weight decay: an L2 penalty of half of it
        variable.regularizer = keras.regularizers.L2(recipe.weight_decay / 2)
    optimizer = keras.optimizers.SGD(recipe.rate, momentum=recipe.momentum)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def set_rate(optimizer: Any, rate: float) -> None:
    """Keras' velocities have the rate in them, PyTorch's have not."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of what scales float16's loss
    for velocity in inner.momentums:
        velocity.assign(velocity * (rate / optimizer.learning_rate))
    optimizer.learning_rate = rate


def predict(model: Any, images: Any, devices: int = 1) -> Any:
    """The logits in evaluation mode."""
    size = min(EVALUATED, len(images))
    size += -size % devices  # an equal part on each
    padded = np.concatenate([images, images[: -len(images) % size]]) if devices > 1 else images
    return model.predict(padded, batch_size=size, verbose=0)[: len(images)]


def save(run: Run, iteration: int, model: Any) -> None:
    """All that the next iteration depends on, in one file that is replaced in one step."""
    about = json.dumps({"identity": run.identity, "iteration": iteration})
    values = [keras.ops.convert_to_numpy(variable) for variable in _variables(model)]
    with replacing(run.checkpoint) as beside, beside.open("wb") as file:
        np.savez(file, *values, about=np.array(about))


def load(run: Run, model: Any) -> None:
    with run.opening(), np.load(run.checkpoint) as found:
        about = json.loads(str(found["about"]))
        run.resume(about["iteration"], about["identity"])
        for i, variable in enumerate(_variables(model)):
            variable.assign(found[f"arr_{i}"])


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def machine(threads: int | None) -> dict[str, Any]:
    """Of what Keras runs on, after it is told how many threads it may have."""
    backend = keras.backend.backend()
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions["keras"] = keras.__version__
    gpu = None
    if backend == "tensorflow":
        import tensorflow as tf

        versions["tensorflow"] = tf.__version__
        if threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        if gpus := tf.config.list_physical_devices("GPU"):
            gpu = tf.config.experimental.get_device_details(gpus[0])["device_name"]
    elif backend == "torch":
        import torch

        versions["torch"] = torch.__version__
        if threads:
            torch.set_num_threads(threads)
        threads = torch.get_num_threads()
        gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    elif backend == "jax":
        import jax

        versions["jax"] = jax.__version__
        if threads:
            raise StudyError("JAX takes no number of threads: leave --threads out")
        gpu = jax.devices()[0].device_kind if jax.default_backend() == "gpu" else None
    about = {"device": "gpu" if gpu else "cpu", "kind": gpu or processor()}
    return {"versions": versions, "machine": {**about, "threads": threads or os.cpu_count()}}
