"""The backbone of a classifier, `features: true`: the last map at each stride, and no head.

Maps are taken where the network's steps and the steps of its groups end, up to what gathers the
map to a vector, or to a size of its own. At the last stride a convolution that sees no neighbours,
nor does anything after it, begins the classifier: the 1280 channels of MobileNetV2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..errors import Diagnostic, SpecError
from ..ir.nodes import Call, From, Group, Node, is_several
from ..ir.resizing import UNCHANGED, traced
from ..ir.structure import Block, Network, Stage
from ..ir.taps import ends, is_group
from ..ir.trace import Elaborated, FromTrace, OpTrace, Trace, flatten, standing
from ..ir.walk import walk
from ..language.models import Spec
from ..ops import Resizes, Weighted
from ..ops.axis import Axis
from ..record import record

CODE = "E213"
NAMED = "name the steps to return in `outputs` instead"


@record
class Place:
    """Where a map may be taken: after the network's own step `node`, or a step of it, a group.

    There the node `stop` of the group's body would come next; `whole` is the name of the network's
    step where it ends there. What comes between the place before and this one `widens` if elements
    see their neighbours, `weighs` if it has weights to multiply by, and `passes` if it does nothing
    in evaluation.
    """

    node: int
    name: str
    stride: int
    widens: bool
    weighs: bool
    passes: bool
    stop: int | None = None
    whole: str = ""


def backbone(elaborated: Elaborated, spec: Spec) -> Network:
    """The network without its head, which returns maps. Raises `SpecError` where it has none."""
    if any(is_several(node) for node in elaborated.network.body):
        message = f"steps of '{spec.name}' take or give several values, so it has no single way"
        raise _error(message, spec, NAMED)
    runs = dict(_runs(_places(elaborated), spec))
    last = {stride: run[-1] for stride, run in runs.items()}
    if runs:
        last[max(runs)] = _without_classifier(runs[max(runs)])
    wanted = [stride for stride in last if stride > 1]
    if isinstance(spec.features, list):
        wanted = spec.features
    for i, stride in enumerate(wanted):
        if stride not in last:
            help = f"its maps have the strides {', '.join(map(str, last))}" if last else ""
            raise _error(f"no map of '{spec.name}' has the stride {stride}", spec, help, i)
    if not wanted:
        raise _error(f"no map of '{spec.name}' is smaller than the image", spec, NAMED)
    made = _cut(elaborated.network, [last[stride] for stride in sorted(wanted)])
    if back := next((node for node in made.body if isinstance(node, From)), None):
        message = f"the steps of '{spec.name}' go back to '{back.source}' before its last map"
        raise _error(message, spec, NAMED)
    return made


def _places(elaborated: Elaborated) -> Iterator[Place]:
    """Every place on the way from the image to where the map is gathered."""
    named = dict.fromkeys(elaborated.network.inputs, UNCHANGED)
    after = UNCHANGED
    for item in elaborated.root.items:
        for part, name, stop, whole in _parts(item, elaborated):
            after = named[name] = traced(part, after, {} if part[0] is not item else named)
            if len(part[-1].y) == 1 or after[0].fixed is True:
                return
            if not isinstance(item, FromTrace):
                seen = [_sees(trace) for _, trace in flatten(part)]
                passes = all(trace.op.passes for _, trace in flatten(part))
                weighs = any(isinstance(trace.op, Weighted) for _, trace in flatten(part))
                node, stride = standing(item).id, _stride(after)
                yield Place(node, name, stride, any(seen), weighs, passes, stop, whole)
        named[item.name] = after


def _parts(
    item: Trace, elaborated: Elaborated
) -> Iterator[tuple[tuple[Trace, ...], str, int | None, str]]:
    """The parts of a step after which a map may be taken, each with what `Place` tells of it."""
    group = standing(item)
    if not is_group(item) or not isinstance(group, Group) or group.when is not True:
        yield (item,), item.name, None, item.name
        return
    before = 0
    for tap in ends(item, elaborated.root.ends):
        part = item.items[before : tap.members]
        whole = item.name if tap.members == len(item.items) else ""
        yield part, tap.output, tap.stop, whole
        before = tap.members


def _stride(axes: Resizes) -> int:
    """By how much a map is smaller than the image; 0 where that is no whole number, or two."""
    numbers: Any = [(axis.down, axis.up) for axis in axes]
    strides = {Fraction(*pair) for pair in numbers}
    stride = strides.pop()
    return int(stride) if not strides and stride.denominator == 1 else 0


def _sees(trace: OpTrace) -> bool:
    """Whether an element sees neighbours, and not the whole map."""
    axes = trace.op.sees(trace.x)
    return axes is not None and set(axes) != {Axis()}


def _runs(places: Iterable[Place], spec: Spec) -> Iterator[tuple[int, list[Place]]]:
    """The places by strides, which must increase."""
    run: list[Place] = []
    for place in places:
        if run and place.stride < run[0].stride:
            message = f"the maps of '{spec.name}' grow again at '{place.name}'"
            raise _error(message, spec, NAMED)
        if run and place.stride > run[0].stride:
            yield run[0].stride, run
            run = []
        run.append(place)
    if run:
        yield run[0].stride, run


def _without_classifier(run: list[Place]) -> Place:
    """The last place of the last stride before a convolution that sees one pixel, and dropout."""
    seen = max((i for i, place in enumerate(run) if place.widens), default=0)
    mixes = (i for i, place in enumerate(run) if i > seen and place.weighs)
    kept = run[: next(mixes, len(run))]
    while len(kept) > 1 and kept[-1].passes:
        kept.pop()
    return kept[-1]


def _cut(network: Network, places: list[Place]) -> Network:
    """The network up to the last of some places, which it returns."""
    end, shared = places[-1], [place.node for place in places]
    stages: list[Stage] = []
    for stage in network.stages:
        body = tuple(_up_to(stage.body, end))
        stages.append(replace(stage, body=body))
        if body[-1].id == end.node:
            break
    outputs = (p.whole if p.whole and shared.count(p.node) == 1 else p.name for p in places)
    nodes = tuple(node for stage in stages for node in stage.body)
    blocks = {name: network.blocks[name] for name in _called(nodes, network.blocks)}
    return replace(network, stages=tuple(stages), outputs=tuple(outputs), blocks=blocks)


def _up_to(body: tuple[Node, ...], end: Place) -> Iterator[Node]:
    for node in body:
        if node.id != end.node:
            yield node
            continue
        yield replace(node, body=node.body[: end.stop]) if isinstance(node, Group) else node
        return


def _called(nodes: tuple[Node, ...], blocks: Mapping[str, Block]) -> dict[str, None]:
    """The blocks that some nodes need, in the order of the network's blocks."""
    found: set[str] = set()
    ahead = [node.block for node in walk(nodes) if isinstance(node, Call)]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += [node.block for node in walk(blocks[name].body) if isinstance(node, Call)]
    return dict.fromkeys(name for name in blocks if name in found)


def _error(message: str, spec: Spec, help: str, i: int | None = None) -> SpecError:
    listed_there = i is not None and isinstance(spec.features, list)
    at = spec.at("features", i) if listed_there else spec.at("features")
    return SpecError([Diagnostic(CODE, message, at, help=help)])
