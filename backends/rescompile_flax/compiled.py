"""Work on models compiled to be done a few times: what JAX and XLA would take long for is avoided.

What is computed stays the same. It is replaced while a model is traced, and then put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from flax import nnx

# XLA writes kernels of groups out, with zeros for the channels of other groups, where they exceed
# their map, and wherever JAX has groups of samples (below): EfficientNet-B7 takes over 16 GB on
# small images, and a gradient by 1,152 channels 35 times as long.
OPTIONS = {"xla_disable_hlo_passes": "convolution-group-converter"}
MISSING = object()


class Compiled:
    """`work` on a model and arrays, compiled whole; what it changes in a model is kept.

    `pure` takes a definition and a state for a model, and returns what `work` does with the state
    afterwards, which leaves out the parameters.
    """

    def __init__(self, work: Callable[..., Any]) -> None:
        def pure(definition: Any, state: Any, *given: Any) -> Any:
            with lightly():
                model = nnx.merge(definition, state)
                return work(model, *given), nnx.state(model, nnx.Not(nnx.Param))

        self.pure = jax.jit(pure, static_argnums=0, compiler_options=OPTIONS)

    def __call__(self, model: nnx.Module, *given: Any) -> Any:
        made, state = self.pure(*nnx.split(model), *given)
        nnx.update(model, state)
        return made


@contextmanager
def lightly() -> Iterator[None]:
    """What is traced inside has groups of features alone, and no shardings."""
    convolution = jax.lax.conv_general_dilated_p
    grouped = partial(_by_features, convolution.bind)
    # NNX asks each value that it keeps for its sharding. Under a trace there is none, and JAX
    # would look through all that was traced before to say so.
    with (
        _replaced(convolution, "bind", grouped),
        _replaced(jax.core.Tracer, "sharding", property(_no_sharding)),
    ):
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(owner).get(name, MISSING)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _by_features(
    bind: Callable[..., Any],
    x: jax.Array,
    kernel: jax.Array,
    *,
    batch_group_count: int,
    feature_group_count: int,
    dimension_numbers: jax.lax.ConvDimensionNumbers,
    **options: Any,
) -> Any:
    """A convolution by groups of features, also where JAX has groups of samples.

    It has them in gradients of kernels, and XLA can only compute them by writing kernels out.
    """
    if batch_group_count > 1:
        samples, features, *_ = dimension_numbers.lhs_spec
        shape = [*x.shape]
        x = x.reshape(*shape[:samples], batch_group_count, -1, *shape[samples + 1 :])
        shape[samples] //= batch_group_count
        shape[features] *= batch_group_count
        x = jnp.moveaxis(x, samples, features).reshape(shape)
    return bind(
        *(x, kernel),
        batch_group_count=1,
        feature_group_count=feature_group_count * batch_group_count,
        dimension_numbers=dimension_numbers,
        **options,
    )


def _no_sharding(tracer: Any) -> NoReturn:
    raise AttributeError("sharding")
