"""The convolutions of a network, each in all its calls, and which of them one helper can serve.

A layer pads a convolution with a stride on one side only where PyTorch pads both, and where each
channel is filtered by itself there is another class of layers. A helper that tests its arguments is
only for convolutions for which the tests are right: what they would mistake gets one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...expr.dims import Binary, Dim, binary, names
from ...ir.analysis import Analysis
from ...ir.nodes import Layer
from ...ir.structure import IN_CHANNELS
from ...ir.trace import OpTrace
from ...ops import Conv
from ..borders import Padding, paddings, skips

DEPTHWISE_AXES = (1, 2)  # of maps that have a layer of their own for depthwise convolutions


@dataclass(frozen=True)
class ConvSite:
    """A convolution of a definition, with everything that it stands for."""

    node: Layer
    op: Conv
    traces: list[OpTrace]
    varying: frozenset[str]  # names in the network's own scope that may be given other values

    @property
    def bound(self) -> list[Any]:
        """The convolution with numbers for attributes, call by call."""
        return [trace.op for trace in self.traces]

    @cached_property
    def multipliers(self) -> set[int]:
        """Outputs for each input channel, in the calls where it is depthwise."""
        return {trace.y[0] // trace.x[0] for trace in self.traces if is_depthwise(trace)}

    @cached_property
    def depthwise(self) -> bool:
        """Whether each channel is connected with itself, in all calls."""
        return all(map(is_depthwise, self.traces))

    @property
    def either(self) -> bool:
        """Whether that is so in some calls, and in others not."""
        # One with two strides is a grouped convolution in all calls: see `is_depthwise`.
        single = len({*self.op.stride}) == 1
        return single and not self.depthwise and bool(self.multipliers)

    @property
    def told(self) -> bool:
        """Whether it is depthwise in just those calls that have a group for each channel."""
        return all(is_depthwise(trace) == has_group_each(trace) for trace in self.traces)

    @property
    def skips(self) -> bool:
        """Whether it has a stride and a dilation at once."""
        return any(map(skips, self.bound))

    @property
    def multiplier(self) -> Dim:
        """The outputs for each channel: what the channels are multiplied with, or a quotient."""
        made, groups = self.op.channels, self.op.groups
        if made == groups:
            return 1
        if isinstance(made, Binary) and made.op == "*" and made.left == groups:
            return made.right
        if len(self.multipliers) == 1 and not names(made) & self.varying:
            return max(self.multipliers)
        return binary("//", made, groups)

    @cached_property
    def paddings(self) -> frozenset[Padding]:
        """Every way of padding that is right in all calls."""
        return paddings(self.traces)


def has_group_each(trace: OpTrace) -> bool:
    op: Any = trace.op
    return bool(op.groups == trace.x[0] > 1)


def is_depthwise(trace: OpTrace) -> bool:
    """Whether each channel is filtered by itself, and the layer for that can do it.

    That layer has one stride for all axes on TensorFlow.
    """
    op: Any = trace.op
    can = len(op.kernel) in DEPTHWISE_AXES and len({*op.stride}) == 1
    return has_group_each(trace) and can


def find_sites(analysis: Analysis) -> Iterator[ConvSite]:
    """Every convolution of every definition."""
    varying = frozenset(analysis.network.own) - {IN_CHANNELS}
    for traces in analysis.traces.values():
        node = traces[0].node
        if type(node.op) is Conv:
            yield ConvSite(node, node.op, traces, varying)


def served(analysis: Analysis) -> dict[str, list[ConvSite]]:
    """The convolutions that one helper can serve, by the helper's name.

    Apart are depthwise ones; those which are so in some calls, where `groups` does not tell in
    which; and those with a stride and a dilation at once, where others have two numbers for one of
    them, since the helper has to compare both with one.
    """
    found = list(find_sites(analysis))
    told = all(site.told for site in found if not site.depthwise)
    groups: dict[str, list[ConvSite]] = {"conv": [], "grouped_conv": [], "depthwise_conv": []}
    for site in found:
        full = "grouped_conv" if site.either and not told else "conv"
        groups["depthwise_conv" if site.depthwise else full].append(site)
    made: dict[str, list[ConvSite]] = {}
    for name, group in groups.items():
        pairs = any(len({*how}) > 1 for s in group for how in (s.op.stride, s.op.dilation))
        made[name] = [site for site in group if not (pairs and site.skips)]
        made[f"dilated_{name}"] = [site for site in group if pairs and site.skips]
    return {name: group for name, group in made.items() if group}
