"""Proofs, after each compilation, that what is symbolic says the same as the numbers do."""

from __future__ import annotations

from ..errors import InternalError
from ..expr.dims import Expr, evaluate, names
from .analysis import Analysis, all_instances
from .flow import RUNNING, Flow
from .joining import check_spread
from .nodes import Call, Group, Layer, Loop, Residual, Where
from .structure import INDEX
from .trace import CallTrace, Elaborated, Instance, JoinTrace, OpTrace, flatten, own_items, standing
from .walk import walk


def prove(analysis: Analysis, lowered: Elaborated | None = None) -> None:
    """Prove that what is symbolic equals what was elaborated, on every call.

    Channels, conditions, and where shortcuts are taken; and that the network is the one that was
    `lowered` from the spec, before folding. Raises `InternalError`, and `SpecError` where no
    expression says what the calls of a block decide.
    """
    _prove_ids(analysis)
    for instance in all_instances(analysis.elaborated):
        is_root = instance is analysis.elaborated.root
        flow = analysis.root_flow if is_root else analysis.flows[instance.block.name][0]
        for item in own_items(instance.items):
            if isinstance(item, JoinTrace) and item.node.id in flow.ends:
                check_spread(item, flow.ends[item.node.id])
        _prove_channels(flow, instance)
        _prove_conditions(analysis, instance)
    if lowered is not None:
        _prove_folding(lowered, analysis.elaborated)


def _prove_ids(analysis: Analysis) -> None:
    """Every table of nodes goes by their ids: no two nodes of a network have the same."""
    network = analysis.network
    bodies = [network.body, *(block.body for block in network.blocks.values())]
    ids = [node.id for body in bodies for node in walk(body)]
    if len(ids) != len(set(ids)):
        raise InternalError(f"two nodes of the network '{network.name}' have one id")


def _prove_channels(flow: Flow, instance: Instance) -> None:
    seen: set[int] = set()
    for item in own_items(instance.items):
        node = standing(item)
        if not isinstance(item, (OpTrace, CallTrace)) or node.id in seen:
            continue
        seen.add(node.id)
        if node.id not in flow.entering:
            continue  # spliced in by an inline call: the inline block's own instance is checked
        entering = flow.entering[node.id]
        if isinstance(entering, Expr) and names(entering) & {INDEX, RUNNING}:
            continue
        if evaluate(entering, instance.env) != item.x[0]:
            raise InternalError(
                f"block '{instance.block.name}': {entering} enters '{item.name}', "
                f"but {item.x[0]} channels do"
            )


def _prove_conditions(analysis: Analysis, instance: Instance) -> None:
    """Each `when`, and each condition of a shortcut, against what was decided."""
    for node in walk(instance.block.body):
        if not isinstance(node, (Layer, Group, Call, Loop, Residual)):
            continue
        conditions = {"when": node.when}
        if isinstance(node, Residual) and node.id in analysis.changes:
            conditions["shortcut"] = analysis.changes[node.id].condition()
        elif isinstance(node, Residual) and node.where is Where.ALWAYS:
            conditions["shortcut"] = bool(node.shortcut)
        for what, dim in conditions.items():
            decided = instance.decisions.get((node.id, what))
            if decided is None or names(dim) & {INDEX, RUNNING}:
                continue  # never asked, or in the turns of a loop, each by its number
            if bool(evaluate(dim, instance.env)) is not decided:
                raise InternalError(
                    f"block '{instance.block.name}': whether {dim} holds was decided otherwise"
                )


def _prove_folding(lowered: Elaborated, folded: Elaborated) -> None:
    def steps_of(elaborated: Elaborated) -> list[tuple[object, ...]]:
        steps, owners = flatten(elaborated.root.items), elaborated.owners
        return [(path, owners.get(path), trace.op, trace.x, trace.y) for path, trace in steps]

    if steps_of(lowered) != steps_of(folded):
        raise InternalError(f"folding changes the network '{folded.network.name}'")
