"""Weights that anyone can make again: every tensor depends on its own name, never on the order.

Parity is measured under random weights and random running statistics, never under zeros or an
untouched initialisation, which hide mistakes. Keys are paths, `("layer1", "0", "conv1", "weight")`;
joined with "." they are PyTorch's state-dict keys.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..errors import InternalError
from ..ir.structure import Path, path_of
from ..ir.trace import Elaborated, OpTrace, ResidualTrace, flatten, walk_traces
from ..ops import Parameter, Shape
from .arrays import Array
from .executor import parameter_path

CALM = 0.4


def parameters(elaborated: Elaborated) -> Iterator[tuple[Path, Parameter, OpTrace]]:
    """Every tensor by its path, with the operation that owns it, in the order of execution.

    Raises `InternalError` where two tensors have one path.
    """
    seen: set[Path] = set()
    for path, trace in elaborated.owning():
        for parameter in trace.op.parameters(trace.x):
            key = parameter_path(path, parameter.leaf)
            if key in seen:
                raise InternalError(f"two tensors are called '{'.'.join(key)}'")
            seen.add(key)
            yield key, parameter, trace


def random_weights(elaborated: Elaborated, seed: int = 0) -> dict[Path, Array]:
    """Float64 weights under which values neither explode nor vanish; `seed` is 0 or more.

    Each tensor is drawn (see `_draw`) from a generator of its own, seeded by `seed` and its path.
    Scales of norms are then shrunk by `CALM`, and where there are none what residual branches end
    with: under scales about one, residual sums double with each block, gates behind them saturate,
    and float32 cannot follow float64 in any framework.
    """
    last = set(_last_of_branches(elaborated))
    return {
        path: _draw(np.random.default_rng([seed, digest(path)]), path[-1], parameter.shape)
        * (CALM if path in last or _is_scale(path, parameter) else 1.0)
        for path, parameter, _ in parameters(elaborated)
    }


def _is_scale(path: Path, parameter: Parameter) -> bool:
    """Whether a tensor is what a norm multiplies by."""
    return path[-1] == "weight" and len(parameter.shape) == 1


def _last_of_branches(elaborated: Elaborated) -> Iterator[Path]:
    """The last weights of each residual's branch that has no norm."""
    for path, trace in walk_traces(elaborated.root.items):
        if not isinstance(trace, ResidualTrace) or trace.shortcut is None:
            continue
        around = path[: -len(path_of(trace.name))]
        inside = [
            (parameter_path(place, parameter.leaf), parameter)
            for place, one in flatten((*trace.pre, *trace.branch), around)
            for parameter in one.op.parameters(one.x)
        ]
        if not any(_is_scale(*one) for one in inside):
            yield from [place for place, _ in inside if place[-1] == "weight"][-1:]


def seeded_weights(elaborated: Elaborated) -> dict[Path, npt.NDArray[np.float32]]:
    """Float32 weights that depend on names alone: reference logits are recorded under them.

    Each tensor is drawn (see `_draw`) from a generator seeded by its state-dict key alone: the
    first eight bytes of the key's SHA-256, little-endian. They are drawn in float64, then rounded.
    """
    return {
        path: _draw(np.random.default_rng(digest(path)), path[-1], parameter.shape).astype("f4")
        for path, parameter, _ in parameters(elaborated)
    }


def digest(path: Path) -> int:
    """A seed of a tensor's own: the first eight bytes of its key's SHA-256, little-endian."""
    return int.from_bytes(hashlib.sha256(".".join(path).encode()).digest()[:8], "little")


def _draw(rng: np.random.Generator, leaf: str, shape: Shape) -> Array:
    """A float64 tensor of the kind that the last name of its path tells.

    Running variances, the scales of norms and the gains of standardised weights are uniform in
    [0.5, 1.5): under less a network without norms is blind. Weights of two or more dimensions are
    normal with variance 2 / fan_in (He et al. 2015, arXiv:1502.01852), fan_in being
    the product of all dimensions but the first; all else (biases, running means, layer scales) is
    normal with standard deviation 0.1.
    """
    if leaf in ("running_var", "gain") or (leaf == "weight" and len(shape) < 2):
        return rng.uniform(0.5, 1.5, shape)
    drawn = rng.standard_normal(shape)
    return drawn * math.sqrt(2.0 / math.prod(shape[1:])) if leaf == "weight" else 0.1 * drawn
