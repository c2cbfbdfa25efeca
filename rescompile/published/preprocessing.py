"""What images become before a network with certain weights, as a backend is asked to emit it."""

from __future__ import annotations

from .. import __version__
from ..emit.preprocessing import Preparation, PreprocessingRequest
from ..errors import Diagnostic, SpecError
from ..language.load import Document
from ..language.models import Spec
from .entry import WITHOUT, Published, entries, entry


def preprocessing(document: Document, weights: str | None = None) -> PreprocessingRequest:
    """The preprocessing of the entry called `weights`, or of all where there is but one.

    Raises `SpecError` where there is none, or more than one to choose from.
    """
    spec = document.spec
    meant = [entry(spec, weights)] if weights is not None else list(entries(spec))
    plan = _plan(spec, meant)
    (image, *more) = spec.entering.values()
    if more:
        message = f"{spec.name} has several inputs, and nothing says which of them are images"
        help = "prepare each as its source says"
        raise SpecError([Diagnostic("E106", message, spec.key_at("inputs"), help=help)])
    _check_channels(spec, plan, meant[0], image.channels)
    abouts = dict.fromkeys(one.about for one in meant)
    return PreprocessingRequest(
        plan,
        image.channels,
        spec.name,
        spec.title or spec.name,
        " or ".join(one.name for one in meant),
        document.cited,
        __version__,
        next(iter(abouts)) if len(abouts) == 1 else "",
    )


def _plan(spec: Spec, meant: list[Published]) -> Preparation:
    """The one preprocessing that these entries have."""
    found = {one.preprocessing for one in meant}
    if len(found) == 1 and (plan := found.pop()) is not None:
        return plan
    names = ", ".join(f"`{spec.name}:{one.name}`" for one in meant)
    if not meant:
        message, help = f"{spec.name} lists no weights", WITHOUT.format(spec.name)
    elif len(found) > 1:
        message = f"the weights of {spec.name} are preprocessed in {len(found)} ways"
        help = f"say which are meant: {names}"
    else:
        message = f"the weights of {spec.name} do not say how images are preprocessed"
        help = "add `preprocessing:` to their entry"
    raise SpecError([Diagnostic("E106", message, spec.key_at("weights"), help=help)])


def _check_channels(spec: Spec, plan: Preparation, one: Published, channels: int) -> None:
    """As many means as there are channels, or one for all."""
    for key, numbers in (("mean", plan.mean), ("std", plan.std)):
        if len(numbers) not in (1, channels):
            model = next(said for said in spec.weights if said.name == one.name)
            at = model.preprocessing.at(key) if model.preprocessing is not None else None
            message = f"`{key}` is of {len(numbers)} channels, but images of {spec.name} have "
            help = "write as many numbers, or one for all channels"
            found = Diagnostic("E112", f"{message}{channels}", at, help=help)
            raise SpecError([found])
