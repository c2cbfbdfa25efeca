"""Lowering of steps: operations, groups, loops and joins, one after the other in a scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Diagnostic, SpecError
from ..expr.dims import Dim, ExprError, Var, binary, substitute
from ..expr.kinds import Kind
from ..ir.flow import Flow, SymbolicError
from ..ir.fold import used_names
from ..ir.joining import LEFT_OUT
from ..ir.nodes import (
    Branch,
    Call,
    From,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Node,
    Reuse,
    gives_several,
    is_repeated,
    sources_of,
)
from ..ir.structure import IN_CHANNELS, INPUT, Block, Form, Param
from ..language.models import Spec, Step
from ..ops import GlobalResponseNorm, LayerNorm, Linear, Permute
from .blocks import Blocks
from .branches import varies, written_out
from .calls import BODY, OWN_INPUT, Calls
from .liveness import check_values
from .names import assign_names, check_sequence
from .ops import Words, operation
from .residual import Residuals
from .scope import Scope, fault
from .turns import called, turns

OUTER_CHANNELS = "outer_channels"
MAX_STEPS = 30_000
JOINS = ("add", "multiply", "concat", "residual")


class Steps:
    """Lowers the steps of a spec; what is wrong goes to `found`, the blocks in use to `blocks`."""

    def __init__(
        self,
        spec: Spec,
        values: dict[str, Dim],
        words: dict[str, Any],
        lists: dict[str, tuple[Dim, ...]],
        found: list[Diagnostic],
    ) -> None:
        self.spec = spec
        self.found = found
        self.count = 0  # of the steps that were lowered
        network = Scope("", False, {}, values, words, None, lists=lists)
        self.blocks = Blocks(spec, network, found, self.body)
        self.calls = Calls(self.blocks)
        axes = spec.axes
        self.residuals = Residuals(spec.defaults, axes, self.blocks.made, self.body, self.some)

    def body(self, steps: Iterable[Step], scope: Scope) -> tuple[Node, ...]:
        """The nodes of some steps; moves `scope.channels` on. Collects errors step by step."""
        made: list[Node] = []
        for step in steps:
            try:
                nodes = self.step(step, scope)
                made.extend(nodes)
                scope.channels = self.after(nodes, scope)
                if nodes:
                    last = nodes[-1]
                    scope.flowing = last.leaving if isinstance(last, Call) else ()
            except SpecError as error:
                self.found.extend(error.diagnostics)
                scope.channels = None
        return tuple(made)

    def after(self, nodes: tuple[Node, ...], scope: Scope) -> Dim | None:
        """The channels that leave some nodes, None where no expression tells."""
        named = bool(nodes) and (isinstance(nodes[0], From) or bool(sources_of(nodes[0])))
        if scope.channels is None and not named:
            return None
        try:
            lets = tuple(scope.lets)
            start = 0 if scope.channels is None else scope.channels
            return Flow(self.blocks.made, lets=lets, named=scope.named).body(nodes, start)
        except (SymbolicError, ExprError):
            return None

    def step(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        self.count += 1
        if self.count > MAX_STEPS:
            message = f"more than {MAX_STEPS} steps, those of branches that repeat written out"
            raise fault("E204", message, step.at(), "repeat branches less often")
        word = step.word
        if word == "table":
            return ()  # it is wrong, which is known; others are written out before
        step = called(step, scope)
        when = scope.condition(step.when, step, "when")
        if when is False and scope.written_out:
            return ()  # in this turn it need not make sense
        if word == "block":
            nodes = self.calls.nodes(step, scope, when)
            scope.given.update((str(n.name), n.outputs) for n in nodes if gives_several(n))
            return nodes
        if word == "group":
            body = self.sequence(step.group or (), scope)
            return (Group(body, step.name, when, step.at()),)
        if word == "positions":
            return self.positions(step, scope)
        if word == "steps":
            return (self.loop(step, scope),) if scope.numbered else self.turns(step, scope)
        if word == "from":
            return (self.earlier(step, scope),)
        if word == "reuse":
            return (self.reuse(step, scope),)
        if word in JOINS:
            if not scope.settled(step.when, step, "when", bool):
                return ()
            return self.hoist(step, scope) if scope.numbered else self.joined(step, scope)
        return self.layer(step, scope, when)

    def some(
        self, what: str, steps: Sequence[Step], scope: Scope, *, numbered: bool = False
    ) -> tuple[Node, ...]:
        """The nodes of a branch or a shortcut, called `what`: if it has steps it has nodes.

        Raises `SpecError` where all of them are norms and activations of kind `none`.
        """
        known = len(self.found)
        body = self.sequence(steps, scope) if numbered else self.body(steps, scope)
        if steps and not body and len(self.found) == known:
            raise fault("E212", f"no step of this {what} is taken", steps[0].at(), LEFT_OUT)
        return body

    def sequence(self, steps: Iterable[Step], scope: Scope) -> tuple[Node, ...]:
        """The nodes of a sequence of its own: a group, a branch of several steps, a shortcut."""
        body = self.body(steps, scope.inner(numbered=True))
        check_sequence(body, self.found)
        return body

    def positions(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        """Steps at each position by itself, between two permutations."""
        body: list[Node] = []
        for inner in step.positions or ():
            for node in self.body([inner], scope):
                if not isinstance(node, Layer) or not node.op.positional:
                    message = f"this `{inner.word}` step is no matter of single positions"
                    help = (
                        "`positions` take linear layers, layer norms, global response norms, "
                        "dropout, and activations but softmax and prelu"
                    )
                    raise fault("E208", message, inner.at(), help)
                op = node.op
                if isinstance(op, (GlobalResponseNorm, LayerNorm, Linear)):
                    op = replace(op, positions=True)
                body.append(replace(node, op=op))
        last, first = (Layer(Permute(last), at=step.at()) for last in (True, False))
        return (last, *body, first)

    def layer(self, step: Step, scope: Scope, when: Dim) -> tuple[Node, ...]:
        """The layer of a single operation; none for a norm or activation of kind `none`."""
        if step.word == "layer_scale" and scope.numbered:
            help = "put it into the `body:` of a block, outside of groups and shortcuts"
            message = "`layer_scale` stands in a block's body, not in a sequence"
            raise fault("E208", message, step.key_at("layer_scale"), help)
        options = step.options
        axes = self.spec.axes
        words = Words(self.spec.defaults, axes, scope.word, scope.dim, scope.several)

        def read(value: Any, key: str, wanted: Kind = float) -> Dim:
            return scope.dim(value, options, key, wanted=wanted)

        op = operation(step.word, options, read, words, scope.channels)
        if op is not None and op.like == INPUT and self.blocks.inline:
            raise fault("E208", OWN_INPUT, options.at("to"), BODY)
        if op is not None and op.like and (scope.numbered or when is not True):
            message = "`to` asks for the size of a step of a body, but this is a sequence"
            if not scope.numbered:
                message = "a step with `to` has no condition"
            help = "put it into a block with a `body:`, where `to: input` is what comes in"
            raise fault("E208", message, options.key_at("to"), help)
        return () if op is None else (Layer(op, step.name, when, step.at(), options.places),)

    def joined(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        """A join or a residual where children have names."""
        if step.residual is not None:
            return self.residuals.lower(step.residual, step, scope)
        kind = JoinKind(step.word)
        entering = given_each = scope.channels
        given = list(written_out(step.options, scope))
        if step.split and entering is not None and given:
            given_each = binary("//", entering, len(given))
        branches: list[Branch] = []
        for name, part, inner in given:
            inner.channels = given_each
            branches.append(self.branch(name, part, inner))
        scope.channels = entering
        if len(branches) == 1 and varies(step.options):
            return branches[0].body  # nothing is left to join
        if len(branches) < 2:
            help = "add a branch; an empty one, `[]`, is the input itself"
            message = f"`{kind.value}` joins two branches or more"
            raise fault("E112", message, step.key_at(step.word), help)
        return (Join(kind, tuple(branches), step.name or "", step.split, step.at()),)

    def branch(self, name: str | None, part: Step | list[Step], scope: Scope) -> Branch:
        """One branch; under a name, several steps are a sequence of that name."""
        if isinstance(part, Step):
            return Branch(_called(self.some("branch", [part], scope), name), name)
        if name is None or not part:
            return Branch(self.some("branch", part, scope), name)
        start = self.body(part[:1], scope) if part[0].word == "from" else ()
        rest = part[len(start) :]
        if not rest:
            return Branch(start, name)
        body = self.some("branch", rest, scope, numbered=True)
        return Branch((*start, Group(body, name, True, rest[0].at())), name)

    def earlier(self, step: Step, scope: Scope) -> From:
        """A step that goes back to an earlier value; `check_values` judges whether it can."""
        if scope.numbered:
            help = "write it before the sequence, or put the steps into a block with a `body:`"
            message = "`from` goes back to a step of a body, but this is a sequence"
            raise fault("E208", message, step.key_at("from"), help)
        if step.from_ == INPUT and self.blocks.inline:
            raise fault("E208", OWN_INPUT, step.at("from"), BODY)
        return From(str(step.from_), step.at("from"))

    def reuse(self, step: Step, scope: Scope) -> Reuse:
        """A step that is applied again; one that is itself another again means that one."""
        if scope.numbered:
            help = "put the steps into a block with a `body:`, where each can have a name"
            message = "`reuse` applies a step of a body again, but this is a sequence"
            raise fault("E208", message, step.key_at("reuse"), help)
        asked = str(step.reuse)
        of = scope.again.get(asked, asked)
        if step.name is not None:
            scope.again[step.name] = of
        repeat = None if step.repeat is None else scope.dim(step.repeat, step, "repeat")
        outputs = scope.given.get(of, ())
        if outputs and step.name is None:
            help = f"write `name: {of}_2`, say: later steps go back to `{of}_2.{outputs[0]}`"
            raise fault("E208", f"what '{of}' gives has no names here", step.at(), help)
        if outputs and repeat is not None:
            message = f"'{of}' gives several values, so no turn follows another"
            raise fault("E208", message, step.key_at("repeat"), "write one `reuse` after the other")
        return Reuse(of, step.name, repeat, outputs, step.at("reuse"))

    def turns(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        """Steps that repeat where they have names: each turn written out."""
        entering, made = scope.channels, list[Node]()
        for _, inner in turns(step, scope):
            inner.channels, inner.flowing = scope.channels, scope.flowing
            made.extend(self.body(step.steps or (), inner))
            scope.channels, scope.flowing = inner.channels, inner.flowing
        scope.channels = entering
        return tuple(made)

    def loop(self, step: Step, scope: Scope) -> Loop:
        if step.index is not None:
            message = "what repeats inside a sequence has no name for its number"
            raise fault("E208", message, step.key_at("index"), "use `$index`")
        count = scope.dim(step.repeat, step, "repeat")
        entering = scope.channels
        body = self.body(step.steps or (), scope.with_index())
        scope.channels = entering
        return Loop(count, body, is_repeated(count), step.at("repeat"))

    def hoist(self, step: Step, scope: Scope) -> tuple[Call, ...]:
        """A join inside a sequence, as a block of its own, so that sequences stay sequences."""
        entering = scope.free(OUTER_CHANNELS)  # what `in_channels` is around the join
        outer = {IN_CHANNELS: Var(IN_CHANNELS), **scope.values}

        def outside(dim: Dim) -> Dim:
            return substitute(dim, {IN_CHANNELS: Var(entering)})

        inner = Scope(
            owner=scope.owner,
            numbered=False,
            names={**scope.names, entering: int},
            values={n: outside(v) for n, v in outer.items()},
            words=scope.words,
            channels=Var(IN_CHANNELS),
            in_block=scope.in_block,
            lists={n: tuple(map(outside, dims)) for n, dims in scope.lists.items()},
        )
        nodes = self.joined(step, inner)
        if not nodes:
            return ()  # the one branch that is left is the input itself
        check_values([nodes], self.found, {})
        (body,) = assign_names([nodes], self.found)
        name = self.blocks.free_name(f"{scope.owner}_{step.word}")
        self.blocks.owners[name] = scope.owner
        block = Block(name, Form.MODULE, body, (), tuple(inner.lets), at=step.at())
        free = sorted(used_names(block) - {IN_CHANNELS} - {n for n, _ in inner.lets})
        params = tuple(Param(n, inner.names.get(n, int)) for n in free)
        self.blocks.made[name] = replace(block, parameters=params)
        own = {**{n: Var(n) for n in free}, **inner.fractions, entering: Var(IN_CHANNELS)}
        args = tuple((n, own[n]) for n in free)
        return (Call(name, args, step.name, at=step.at()),)


def _called(nodes: tuple[Node, ...], name: str | None) -> tuple[Node, ...]:
    """A single node of a named branch, under the branch's name unless it has its own."""
    node = nodes[0] if len(nodes) == 1 else None
    if node is None or name is None or isinstance(node, (Loop, From)) or node.name is not None:
        return nodes
    return (replace(node, name=name),)
