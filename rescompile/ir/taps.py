"""Values inside of the network's groups that it returns: `outputs: [features.3, features.8]`.

So are those that later steps go back to, `from: features.3`. A group becomes one sequence, whose
members have numbers or names. What is taken of it is the
value that leaves a node of the group, by the name of the last member that the node makes: of an
inline block, and of repetitions, that of the last. In between there is no value that a target with
a function for each block could return.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from ..record import record
from .nodes import Group
from .structure import Network
from .trace import Elaborated, GroupTrace, Trace, standing
from .walk import sources


@record
class Tap:
    """A value in a group, which is returned, or gone back to, as `output`.

    It leaves the part of the group's body that ends before the node `stop`; so many `members` of
    the sequence come before.
    """

    output: str
    stop: int
    members: int


def is_group(item: Trace) -> TypeGuard[GroupTrace]:
    """Whether a group stands where a trace is, not a repeated block, or a group again."""
    return isinstance(item, GroupTrace) and isinstance(standing(item), Group)


def ends(item: GroupTrace, counted: Mapping[int, int]) -> Iterator[Tap]:
    """Every place in a group where a value could be taken; see `Instance.ends` for `counted`."""
    assert isinstance(item.node, Group)
    before = 0
    for i, node in enumerate(item.node.body, 1):
        members = counted[node.id]
        if members > before:
            yield Tap(f"{item.name}.{item.items[members - 1].name}", i, members)
        before = members


def taps(elaborated: Elaborated) -> dict[int, tuple[Tap, ...]]:
    """What is taken of the insides of groups, by the group's id, in the order of execution."""
    wanted = sources(elaborated.network.body).union(elaborated.network.outputs)
    found: dict[int, tuple[Tap, ...]] = {}
    for item in elaborated.root.items:
        if is_group(item):
            made = tuple(tap for tap in ends(item, elaborated.root.ends) if tap.output in wanted)
            found |= {item.node.id: made} if made else {}
    return found


def tapped(network: Network, found: Mapping[int, tuple[Tap, ...]]) -> Iterator[tuple[int, str]]:
    """The nodes in groups whose values are taken, by their ids, and what they are called."""
    groups = (node for node in network.body if isinstance(node, Group))
    for group in groups:
        for tap in found.get(group.id, ()):
            yield group.body[tap.stop - 1].id, tap.output
