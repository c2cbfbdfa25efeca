"""A spec to start from that extends a shipped network, with what may be changed as comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..ir.structure import INPUT
from ..language.load import Document
from ..language.models import Spec, Step
from ..language.references import Reading
from ..prose import wrap

WIDTH = 98
SHOWN = ("channels", "repeat")  # of a stage: what is changed most often


def derived(written: str, base: Document, compiles: Callable[[str], bool]) -> str:
    """The text of a spec that extends `base`, for a network called `written` there.

    A stage less or more is suggested where `compiles` says that the text with it is a network.
    """
    spec = base.spec
    title = spec.title or spec.name
    head = (
        f"This is {title} but for what stands below; `rescompile show {spec.name} --resolved` "
        f"prints what that is, and `rescompile diff {spec.name} FILE` what differs. Take away a "
        "`#` and change what stands there, one thing at a time."
    )
    lines = [f"# {line}" for line in wrap(head, WIDTH)]
    lines += ["", "rescompile: 1  # the version of the language", f"extends: {spec.name}"]
    lines += [f"name: {written}  # of the emitted file and function", *_said(spec)]
    text = "\n".join(lines) + "\n"
    changes = (one for one in _changes(spec) if compiles(f"{text}stages:\n{one[0]}\n"))
    return text + "".join(f"# {line}  # {what}\n" for line, what in changes)


def _changes(spec: Spec) -> Iterator[tuple[str, str]]:
    """A stage less and a stage more, each with what it does."""
    stages = [step for step in spec.stages if step.name and step.block]
    if stages:
        yield f"  {stages[-1].name}: null", "drops the stage"
        if more := _more(stages[-1]):
            yield more, "adds one"


def _more(last: Step) -> str:
    """Another stage like the last one; nothing where that asks for its own place."""
    call = _call(last, "block", *last.arguments, "repeat")
    return "" if "$" in call else f"  more: {{after: {last.name}, {call[1:]}"


def _said(spec: Spec) -> Iterator[str]:
    images = {}
    for name, one in spec.entering.items():
        extents = {"channels": one.channels, **one.size}
        images[name] = f"{{{', '.join(f'{key}: {value}' for key, value in extents.items())}}}"
    if spec.inputs:
        yield f"# inputs: {{{', '.join(f'{name}: {image}' for name, image in images.items())}}}"
    else:
        yield f"# input: {images[INPUT]}"
    if spec.classes is not None:
        yield f"classes: {spec.classes}  # how many the last layer tells apart"
    read = Reading(spec).of_network
    given = ((name, value) for name, value in spec.parameters.items() if name in read)
    numbers = [f"{name}: {_number(value)}" for name, value in given]
    if numbers:
        yield f"# parameters: {{{', '.join(numbers)}}}"
    if isinstance(spec.shortcut, str):
        yield f"# shortcut: {spec.shortcut}  # or none, identity, pad, projection_always"
    yield "# defaults: {norm: {epsilon: 1.0e-3}}  # what steps mean that do not say it themselves"
    stages = [step for step in spec.stages if step.name and step.block]
    if stages:
        yield "# stages:  # by name: keys that stand here replace the base's"
        yield from (f"#   {step.name}: {_call(step, *SHOWN)}" for step in stages)


def _number(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _call(step: Step, *keys: str) -> str:
    """What a stage is given under some keys."""
    given = {"block": step.block, "repeat": step.repeat, **step.arguments}
    shown = (f"{key}: {_quoted(given[key])}" for key in keys if given.get(key) is not None)
    return "{" + ", ".join(shown) + "}"


def _quoted(value: Any) -> str:
    if isinstance(value, (list, tuple)):  # a number for each axis
        return f"[{', '.join(map(_quoted, value))}]"
    text = _number(value)
    return f'"{text}"' if set(text) & set(",:{}[]#") else text
