"""Which convolutions share a helper: those that one function serves exactly, in every call.

Mostly that is all of them, and all depthwise ones. A helper that tests its arguments is only for
convolutions for which the tests are right: what they would mistake gets a helper of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rescompile.ir.structure import Initializer
from rescompile.ops import Conv

from .conv_helper import ConvHelper
from .convolution import Kind, Site, is_depthwise


def conv_helpers(sites: Iterable[Site], init: Initializer) -> tuple[ConvHelper, ...]:
    """The helpers for some convolutions, each of which has one."""
    full: dict[str, list[Site]] = {"conv": []}
    depthwise: dict[str, list[Site]] = {"depthwise_conv": []}
    for site in sites:
        if site.kind is Kind.DEPTHWISE:
            depthwise["depthwise_conv"].append(site)
        else:
            full["conv"].append(site)
    made = _by_steps(_by_kind(full))
    helpers = [ConvHelper(name, found, init) for name, found in made.items() if found]
    for name, found in _by_steps(depthwise).items():
        if found:
            helpers.append(ConvHelper(name, found, init, depthwise=True))
    return tuple(helpers)


def _by_kind(groups: dict[str, list[Site]]) -> dict[str, list[Site]]:
    """Apart: what is depthwise in some calls, where `groups` does not tell in which."""
    (sites,) = groups.values()
    if not any(site.kind is Kind.EITHER for site in sites) or all(map(_tells, sites)):
        return groups
    full = [site for site in sites if site.kind is Kind.FULL]
    return {"conv": full, "grouped_conv": [site for site in sites if site.kind is Kind.EITHER]}


def _tells(site: Site) -> bool:
    """Whether a convolution is depthwise in just those calls that have a group for each channel."""
    return all(
        is_depthwise(trace) == (cast(Conv, trace.op).groups == trace.x[0] > 1)
        for trace in site.traces
    )


def _by_steps(groups: dict[str, list[Site]]) -> dict[str, list[Site]]:
    """Apart: a stride and a dilation at once, where others have two numbers for one of them.

    The helper has to compare both with one, so that they are numbers there.
    """
    made: dict[str, list[Site]] = {}
    for name, sites in groups.items():
        numbers = all(a == b for s in sites for a, b in (s.op.stride, s.op.dilation))
        if numbers or not any(site.skips for site in sites):
            made[name] = sites
        else:
            made[name] = [site for site in sites if not site.skips]
            made[f"dilated_{name}"] = [site for site in sites if site.skips]
    return made
