"""The contract that a backend fulfils: emit source, and, where its framework is installed, run it.

A backend is an object that is a `Backend`: `backend` of a package `rescompile_NAME`, or an entry
point of `rescompile.backends`. What it cannot express stands in `unsupported`; `emit` is called
only when that is empty. A class that inherits from `Backend` has none of what it does not say.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path as FilePath
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from ..expr.dims import Number
from ..ir.analysis import Analysis
from ..ir.structure import Path
from ..ir.trace import Elaborated
from ..ops import Op
from ..record import record
from .summary import Summary

if TYPE_CHECKING:
    from .guard import Bound
    from .preprocessing import PreprocessingRequest
    from .validation.graph import Graph
    from .validation.traced import Traced
    from .weights import Slot, Stored

# Why a backend may be unable to express a layer whose calls see values of several ranks.
RANKS = "one layer of a block sees maps in one call and vectors in another"
ENGINE = "RESCOMPILE_ENGINE"  # for a runtime with several engines: the one to use, if not empty
Weights = Mapping[Path, Any]  # path of a parameter -> array, in PyTorch's layout


@record
class Request:
    """What to emit: the analysis of a network, and the figures for the docstring."""

    analysis: Analysis
    summary: Summary


@record
class Gradients:
    """A training step without its update, as a framework does it.

    `gradients` has every trainable weight, in PyTorch's layout; `input_gradient` is N x C x H x W,
    or a tuple of such for several inputs.
    """

    outputs: list[Any]
    gradients: dict[Path, Any]
    input_gradient: Any


class Runtime(Protocol):
    """Emitted source brought to life, in a process that may import the framework.

    Arrays are NumPy's: images N x C x H x W, weights in PyTorch's layout, whatever the framework's.
    A network with several inputs is given a tuple of images, one for each, in their order.
    A backend with `no_training` has neither `quiet`, `rates`, `draw` and `multiply` nor `step`, one
    whose files of weights are all bare neither `slots`, `read` nor `save`.
    """

    def versions(self) -> dict[str, str]:
        """The versions of what runs, by package."""

    def seed(self, seed: int) -> None:
        """Seed whatever draws the initial weights of the models that are built next, and drops."""

    def build(self, module: ModuleType, name: str, dtype: str) -> Any:
        """The model that the function `name` of an emitted module makes, in `dtype`.

        In float64 every operation computes in float64, even where the framework would not.
        """

    def quiet(self, model: Any) -> None:
        """Give dropout and stochastic depth the rate zero, so that training is deterministic."""

    def rates(self, model: Any, analysis: Analysis, paths: list[Path]) -> dict[Path, float]:
        """The rates that the layers at `paths` hold; one that drops nothing at random has none."""

    def draw(self, model: Any, analysis: Analysis, path: Path, values: Any, training: bool) -> Any:
        """What the layer at a path makes of values N x C (x H x W), any C, H and W; of their shape.

        It drops in training, by random numbers that `seed` has determined.
        """

    def multiply(self, model: Any, analysis: Analysis, factors: Weights) -> None:
        """Have the layers at these paths multiply by factors in training, and draw nothing.

        They are N x C (x H x W), or of extent 1 where all share one. Other paths are passed over.
        """

    def set_weights(self, model: Any, analysis: Analysis, weights: Weights) -> None:
        """Give the model all its weights. Raises `ValueError` for one too many or too few."""

    def get_weights(self, model: Any, analysis: Analysis) -> dict[Path, Any]:
        """All weights of the model, running statistics included."""

    def run(self, model: Any, images: Any, training: bool = False) -> list[Any]:
        """The model's outputs, each N x C (x H x W)."""

    def values(
        self, model: Any, analysis: Analysis, paths: list[Path], images: Any, training: bool = False
    ) -> dict[Path, Any]:
        """What leaves the operations, blocks and joins at `paths`, where it can be observed."""

    def step(self, model: Any, analysis: Analysis, images: Any, targets: list[Any]) -> Gradients:
        """The gradients of -sum(targets * log_softmax(output)) over all outputs, in training mode.

        The softmax is over the channels; each target has its output's shape, N x C (x H x W).
        Running statistics are updated as by any forward pass in training.
        """

    def slots(self, model: Any, analysis: Analysis) -> list[Slot]:
        """What a file of the model's weights holds, in the order in which it does."""

    def read(self, file: FilePath, bound: Bound) -> AbstractContextManager[list[Stored]]:
        """The tensors in a file of weights, in its order; nothing in it is executed.

        They can be read while the context lasts. It takes no more than `bound` has. Raises
        `BrokenFile` for a file that is none, or broken.
        """

    def save(
        self,
        model: Any,
        analysis: Analysis,
        weights: Weights,
        file: FilePath,
        about: Mapping[str, str],
    ) -> None:
        """Write weights as a file of the framework, of the kind that its suffix says.

        `about` tells where network and weights come from, for files that keep such words.
        """


class Files(Protocol):
    """Files of a framework's weights, read and written without the framework.

    `source` is the emitted file of a network, from which it follows what its model is made of.
    """

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        """What a file of the model's weights holds, in the order in which it does."""

    def read(self, file: FilePath, bound: Bound) -> AbstractContextManager[list[Stored]]:
        """As `Runtime.read`."""

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        """Write weights, all of one type, as the framework would."""


class Preprocess(Protocol):
    """Writes a file with a function that makes of images what weights were measured on."""

    def __call__(self, request: PreprocessingRequest) -> str:
        """Raises `UnsupportedError` where the framework resizes otherwise."""


class Trace(Protocol):
    """What an emitted file of a network does, as terms of `graph`."""

    def __call__(
        self, source: str, elaborated: Elaborated, graph: Graph, given: Mapping[str, Number]
    ) -> Traced:
        """The outputs, and the weights with what they start as.

        The file is executed against a stand-in of the framework, which need not be installed; the
        inputs are those of the graph, in its order. `given` are arguments of the function that
        makes the network, by the names of `Network.own`, in that order; without any it has its
        defaults. Raises `TraceError`, and whatever broken code raises.
        """


class Backend(Protocol):
    """A target language of the compiler.

    What a backend must say is its name, its title, and how it emits. Of what more it can do, none
    stands here, and what follows from that beside it.
    """

    name: str
    title: str
    suffix: str = ".py"  # of the files that it emits
    by_default: bool = False  # commands take it where no backend is named
    requires: tuple[str, ...] = ()  # the modules that its runtime imports
    engines: tuple[str, ...] = ()  # what its framework can run on, the default first
    no_training: str = ""  # why its models compute in evaluation alone, as a sentence
    channels_last: bool = False  # what belongs to channels is a vector, whatever that meets
    biased_variance: bool = False  # a running variance is the batch's biased one, if no norm says
    weight_files: tuple[str, ...] = ()  # the suffixes of the files that its runtime reads and saves
    bare_files: Mapping[str, tuple[str, ...]] = {}  # those that need no framework, and their needs
    interchange_files: tuple[str, ...] = ()  # those among the core's formats that its users load
    UNSUPPORTED: Mapping[type[Op], str] = {}
    # What it has by operation: "emission" of each one, "initialisation" of those with tensors that
    # are drawn. A backend that needs no entries has no such table.
    tables: Mapping[str, MutableMapping[type[Op], Any]] = {}

    def unsupported(self, analysis: Analysis) -> list[str]:
        """Everything in the network that this backend cannot express, each with its place."""
        found = ((".".join(path), type(trace.op)) for path, trace in analysis.elaborated.flat())
        return [f"{place}: {self.UNSUPPORTED[op]}" for place, op in found if op in self.UNSUPPORTED]

    @abstractmethod
    def emit(self, request: Request) -> str:
        """The source file. It has the lines of `Summary.docstring`, as text or as comments."""

    def weight_name(self, path: Path) -> str:
        """What the target calls the owner of the weights at `path`."""
        return ".".join(path)

    @property
    def trace(self) -> Trace | None:
        """How an emitted file is proved. With none it is written, and nothing is proved of it."""
        return None

    @property
    def preprocessing(self) -> Preprocess | None:
        """How images are prepared; with none, to ask for it is refused."""
        return None

    def files(self) -> Files | None:
        """Who reads and writes `bare_files`, if there are any; imports no framework."""
        return None

    @property
    def runtime(self) -> Callable[[], Runtime] | None:
        """Makes the runtime; imports the framework. Raises `ImportError` where it is not installed.

        With none, nothing that is emitted runs: no live models, nothing to verify, no weights.
        """
        return None
