"""Lowering: from the validated spec to the IR, the only module that sees both.

Numbers and expressions go through symbolically; words (kinds of activation, norm, shortcut) do not:
a block whose words differ between calls becomes one IR block for each combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import Diagnostic, Location, SpecError, did_you_mean
from .ir.expr import Dim, Expr, ExprError, Var, binary, names, parse, substitute
from .ir.fold import used_names
from .ir.ops import PadChannels
from .ir.structure import (
    CLASSES,
    IN_CHANNELS,
    INDEX,
    Block,
    Branch,
    Call,
    Form,
    Group,
    Initializer,
    Join,
    JoinKind,
    Layer,
    Loop,
    Network,
    Node,
    Param,
    Residual,
    Stage,
    Where,
)
from .ir.symbolic import Flow, SymbolicError, body_strides
from .lower_names import assign_names
from .lower_ops import OPERATIONS, Words, average, convolution, normalisation, subsample
from .spec.load import Document
from .spec.models import BlockSpec, Model, ParameterSpec, Residual as ResidualSpec
from .spec.models import InitSpec, Shortcut, Spec, Step

MAX_BLOCK_DEPTH = 24
NUMERIC: dict[str, type[int] | type[float] | type[bool]] = {"int": int, "float": float, "bool": bool}
OUTER_CHANNELS = "outer_channels"


def lower(document: Document) -> Network:
    """The network that a spec describes. Raises `SpecError` with everything that is wrong."""
    return _Lowering(document).network()


@dataclass
class Scope:
    """Where steps are being lowered: which names have a meaning, and what is known of the input."""

    owner: str
    numbered: bool
    names: dict[str, type[int] | type[float] | type[bool]]  # stay symbolic
    values: dict[str, Dim]  # are replaced
    words: dict[str, Any]  # kinds and shortcuts
    channels: Dim | None  # at this point, as an expression; None after an error or a flatten
    lets: list[tuple[str, Dim]] = field(default_factory=list)

    def inner(self, *, numbered: bool) -> Scope:
        return replace(self, numbered=numbered)

    def with_index(self) -> Scope:
        return replace(self, names={**self.names, INDEX: int})

    def word(self, value: str, at: Location | None) -> Any:
        """The word that `$name` stands for, or the word itself."""
        if not value.startswith("$"):
            return value
        name = value[1:]
        if name in self.words:
            return self.words[name]
        message = f"'{value}' does not name a word"
        help = did_you_mean(name, self.words) if self.words else "no words are defined here"
        if name == "shortcut":
            help = "set `shortcut: projection` (or another kind) at the top of the spec"
        raise _error("E207", message, at, help)


def _error(code: str, message: str, at: Location | None, help: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, at, help=help)])


class _Lowering:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.spec: Spec = document.spec
        self.blocks: dict[str, Block] = {}
        self.variants: dict[object, str] = {}
        self.stack: list[str] = []
        self.found: list[Diagnostic] = []
        self.values: dict[str, Dim] = {}
        self.words: dict[str, Any] = {}

    def network(self) -> Network:
        spec = self.spec
        self.model_parameters()
        scope = self.root_scope()
        stages: list[Stage] = []
        for label, steps in (("stem", spec.stem), *self.stages(), ("head", spec.head)):
            if steps:
                stages.append(Stage(label, self.body(steps, scope)))
        if not stages and not self.found:
            help = "add `stages:` with at least one step"
            self.found.append(Diagnostic("E111", "the network has no steps", spec.at(), help=help))
        named = assign_names([stage.body for stage in stages], self.found)
        stages = [Stage(s.label, body) for s, body in zip(stages, named, strict=True)]
        self.check_outputs(stages)
        if self.found:
            raise SpecError(dict.fromkeys(self.found))
        return Network(
            name=spec.name,
            input=(spec.input.channels, spec.input.height, spec.input.width),
            stages=tuple(stages),
            blocks=self.blocks,
            classes=spec.classes,
            title=spec.title or spec.name,
            source=spec.source,
            spec=self.document.cited,
            outputs=tuple(spec.outputs),
            conv_init=_initializer(spec.defaults.init.conv),
            linear_init=_initializer(spec.defaults.init.linear),
        )

    def model_parameters(self) -> None:
        for name, value in self.spec.parameters.items():
            if isinstance(value, (bool, int, float)):
                self.values[name] = value
            elif isinstance(value, str) and "$" not in value:
                self.words[name] = value
            else:
                message = f"the parameter '{name}' of the network is neither a number nor a word"
                self.found.append(Diagnostic("E112", message, self.spec.at("parameters")))
        if self.spec.shortcut is not None:
            self.words["shortcut"] = self.spec.shortcut

    def root_scope(self) -> Scope:
        symbolic: dict[str, Any] = {CLASSES: int} if self.spec.classes is not None else {}
        values = {**self.values, IN_CHANNELS: self.spec.input.channels}
        return Scope(
            self.spec.name, False, symbolic, values, self.words, self.spec.input.channels
        )

    def stages(self) -> Iterator[tuple[str, list[Step]]]:
        for i, step in enumerate(self.spec.stages):
            yield step.name or step.block or f"{step.word}{i + 1}", [step]

    def check_outputs(self, stages: list[Stage]) -> None:
        known = {node.name for s in stages for node in s.body if not isinstance(node, Loop)}
        for name in self.spec.outputs:
            if name not in known:
                help = did_you_mean(name, [n for n in known if n])
                message = f"there is no step named '{name}' to return"
                self.found.append(Diagnostic("E106", message, self.spec.at("outputs"), help=help))

    # -- steps -----------------------------------------------------------------------------------

    def body(self, steps: Iterable[Step], scope: Scope) -> tuple[Node, ...]:
        """The nodes of some steps; moves `scope.channels` on. Collects errors step by step."""
        made: list[Node] = []
        for step in steps:
            try:
                nodes = self.step(step, scope)
                made.extend(nodes)
                scope.channels = self.after(nodes, scope.channels)
            except SpecError as error:
                self.found.extend(error.diagnostics)
                scope.channels = None
        return tuple(made)

    def after(self, nodes: tuple[Node, ...], channels: Dim | None) -> Dim | None:
        if channels is None:
            return None
        try:
            return Flow(self.blocks).body(nodes, channels)
        except (SymbolicError, ExprError):
            return None

    def step(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        word = step.word
        when = self.dim(step.when, scope, step, "when")
        at = step.at()
        if word == "block":
            return (self.call(step, scope, when),)
        if word == "group":
            inner = scope.inner(numbered=True)
            body = self.body(step.group or (), inner)
            return (Group(body, step.name, when, at),)
        if word == "steps":
            return (self.loop(step, scope),)
        if word in ("add", "multiply", "concat", "residual"):
            if scope.numbered:
                return (self.hoist(step, scope),)
            return self.joined(step, scope)
        words = Words(self.spec.defaults, lambda value, at: scope.word(value, at))
        options = getattr(step, word)
        dim = self.reader(scope, options)
        op = OPERATIONS[word](options, dim, words, scope.channels)
        return () if op is None else (Layer(op, step.name, when, at),)

    def joined(self, step: Step, scope: Scope) -> tuple[Node, ...]:
        if step.residual is not None:
            return self.residual(step.residual, step, scope)
        kind = JoinKind(step.word)
        given = getattr(step, step.word)
        entering = scope.channels
        branches: list[Branch] = []
        for name, part in given.items() if isinstance(given, dict) else enumerate(given):
            scope.channels = entering
            branches.append(self.branch(name if isinstance(name, str) else None, part, scope))
        scope.channels = entering
        if len(branches) < 2:
            raise _error("E112", f"`{kind.value}` joins two branches or more", step.at(step.word))
        return (Join(kind, tuple(branches), step.name or "", step.at()),)

    def branch(self, name: str | None, part: Step | list[Step], scope: Scope) -> Branch:
        if isinstance(part, Step):
            body = self.body([part], scope)
            if name and len(body) == 1 and getattr(body[0], "name", name) is None:
                body = (replace(body[0], name=name),)
            return Branch(body, name)
        if name is None or not part:
            return Branch(self.body(part, scope), name)
        body = self.body(part, scope.inner(numbered=True))
        return Branch((Group(body, name, True, part[0].at()),), name)

    def loop(self, step: Step, scope: Scope) -> Loop:
        if not scope.numbered:
            help = "put it into a `group:`, or into a block with `sequence:`"
            raise _error("E208", "`steps` are repeated only inside a sequence", step.at(), help)
        count = self.dim(step.repeat, scope, step, "repeat")
        entering = scope.channels
        body = self.body(step.steps or (), scope.with_index())
        scope.channels = entering
        return Loop(count, body, step.at())

    def hoist(self, step: Step, scope: Scope) -> Call:
        """A join inside a sequence, as a block of its own, so that sequences stay sequences."""
        outer = scope.values.get(IN_CHANNELS, Var(IN_CHANNELS))
        values = {**scope.values, IN_CHANNELS: outer if not isinstance(outer, Expr) else Var(OUTER_CHANNELS)}
        inner = Scope(
            scope.owner, False, {**scope.names, OUTER_CHANNELS: int}, values, scope.words, Var(IN_CHANNELS)
        )
        nodes = self.joined(step, inner)
        (body,) = assign_names([nodes], self.found)
        name = self.free_name(f"{scope.owner}_{step.word}")
        block = Block(name, Form.MODULE, body, (), tuple(inner.lets), at=step.at())
        free = sorted(used_names(block) - {IN_CHANNELS} - {n for n, _ in inner.lets})
        params = tuple(Param(n, inner.names.get(n, int)) for n in free)
        self.blocks[name] = replace(block, parameters=params)
        args = tuple((n, outer if n == OUTER_CHANNELS else Var(n)) for n in free)
        return Call(name, args, step.name, at=step.at())

    # -- residuals -------------------------------------------------------------------------------

    def residual(self, spec: ResidualSpec, step: Step, scope: Scope) -> tuple[Node, ...]:
        entering = scope.channels
        pre = self.body(spec.preactivation, scope)
        tapped = scope.channels
        branch = self.body(spec.branch, scope)
        leaving, scope.channels = scope.channels, entering
        shortcut = self.shortcut(spec, scope)
        when = self.dim(spec.when, scope, spec, "when")
        if shortcut.kind == "none":
            return (*pre, *branch)
        tap = spec.tap == "preactivation"
        start = tapped if tap else entering
        body, where = self.shortcut_steps(shortcut, (*pre, *branch), start, leaving, step, scope)
        scope.channels = entering
        kind = str(shortcut.kind or "given")
        name = step.name or "shortcut"
        if body and (len(body) > 1 or shortcut.steps is None or getattr(body[0], "name", "") is None):
            body = (Group(body, name, True, step.at()),)
        return (Residual(branch, body, where, pre, tap, kind, when, "", spec.at("shortcut")),)

    def shortcut(self, spec: ResidualSpec, scope: Scope) -> Shortcut:
        """The shortcut in full, words looked up."""
        value: Any = spec.shortcut
        at = spec.at("shortcut")
        if isinstance(value, str):
            value = scope.word(value, at)
        if isinstance(value, list):
            return Shortcut(steps=value)
        if isinstance(value, str):
            return Shortcut(kind=value)
        if value.kind is None:
            return value  # type: ignore[no-any-return]
        kind = scope.word(value.kind, value.at("kind"))
        if not isinstance(kind, str):
            raise _error("E207", "a `kind` is a word, but this one is a list of steps", at)
        return value.model_copy(update={"kind": kind})  # type: ignore[no-any-return]

    def shortcut_steps(
        self,
        shortcut: Shortcut,
        branch: tuple[Node, ...],
        x: Dim | None,
        y: Dim | None,
        step: Step,
        scope: Scope,
    ) -> tuple[tuple[Node, ...], Where]:
        if shortcut.steps is not None:
            scope.channels = x
            body = self.body(shortcut.steps, scope.inner(numbered=True))
            return body, Where(_WHERE[shortcut.where])
        if shortcut.kind == "identity":
            return (), Where.ALWAYS
        if x is None or y is None:
            message = "the channels of this residual are not known, so it cannot be projected"
            raise _error("E205", message, step.at())
        strides = body_strides(branch, self.blocks)
        if shortcut.kind == "pad":
            return self.option_a(shortcut, strides, x, y, scope), Where.SHAPE_CHANGES
        layers: list[Node] = []
        bias = self.spec.defaults.bias
        if shortcut.kind == "avg_projection":
            layers.append(Layer(average(strides), at=step.at()))
            strides = (1, 1)
        layers.append(Layer(convolution(y, strides, bias), at=step.at()))
        norm = normalisation(self.spec.defaults.norm) if shortcut.norm else None
        if norm is not None:
            layers.append(Layer(norm, at=step.at()))
        always = shortcut.kind == "projection_always"
        return tuple(layers), Where.ALWAYS if always else Where.SHAPE_CHANGES

    def option_a(
        self, shortcut: Shortcut, strides: tuple[Dim, Dim], x: Dim, y: Dim, scope: Scope
    ) -> tuple[Node, ...]:
        """He et al. 2015, option A: subsample, then zeros for the channels that are missing."""
        extra = binary("-", y, x)
        if isinstance(extra, Expr):
            name = "extra_channels"
            if name not in scope.names:
                scope.lets.append((name, extra))
                scope.names[name] = int
            extra = Var(name)
        before = binary("//", extra, 2) if shortcut.pad == "both" else 0
        return (Layer(subsample(strides)), Layer(PadChannels(before, binary("-", extra, before))))

    # -- block calls -----------------------------------------------------------------------------

    def call(self, step: Step, scope: Scope, when: Dim) -> Call:
        name = str(step.block)
        spec = self.spec.blocks.get(name)
        if spec is None:
            help = did_you_mean(name, self.spec.blocks) if self.spec.blocks else ""
            help = help or "name a library under `use:`, or define it under `blocks:`"
            raise _error("E106", f"there is no block '{name}'", step.at("block"), help)
        inner = scope.with_index() if step.repeat is not None else scope
        args, words = self.arguments(step, name, spec, inner)
        self.check_call(step, spec, scope)
        block = self.variant(name, spec, words, step)
        repeat = None if step.repeat is None else self.dim(step.repeat, scope, step, "repeat")
        children = step.children or "{i}"
        return Call(block, tuple(args), step.name, repeat, children, when, step.at())

    def check_call(self, step: Step, spec: BlockSpec, scope: Scope) -> None:
        if step.repeat is not None and step.name is None and not scope.numbered:
            help = f"add `name: layer1`, say, to the call of '{step.block}'"
            raise _error("E208", "a repeated block needs a name here", step.at(), help)
        if spec.inline is None:
            return
        if not scope.numbered:
            help = "put the call into a `group:`"
            message = f"the steps of '{step.block}' join a sequence, but this is none"
            raise _error("E208", message, step.at(), help)
        if step.repeat is not None or step.name is not None:
            message = f"'{step.block}' is inline: it has no name and is not repeated"
            raise _error("E208", message, step.at(), "repeat it with `steps:` and `repeat:`")

    def arguments(
        self, step: Step, name: str, spec: BlockSpec, scope: Scope
    ) -> tuple[list[tuple[str, Dim]], dict[str, Any]]:
        given = step.arguments
        for key in given:
            if key not in spec.parameters:
                known = [*spec.parameters, "name", "when", "repeat", "children"]
                source = step._source
                at = source.keys_at.get(key) if source else None
                message = f"block '{name}' has no parameter '{key}'"
                raise _error("E110", message, at, did_you_mean(key, known))
        args: list[tuple[str, Dim]] = []
        words: dict[str, Any] = {}
        for key, parameter in spec.parameters.items():
            value = given.get(key, parameter.default)
            if value is None:
                message = f"block '{name}' needs its parameter '{key}'"
                raise _error("E111", message, step.at(), f"add `{key}: ...` to the call")
            if parameter.type in NUMERIC:
                args.append((key, self.argument(key, value, parameter, step, scope)))
            else:
                words[key] = scope.word(value, step.at(key)) if isinstance(value, str) else value
        return args, words

    def argument(
        self, key: str, value: Any, parameter: ParameterSpec, step: Step, scope: Scope
    ) -> Dim:
        dim = self.dim(value, scope, step, key)
        if isinstance(dim, Expr):
            return dim
        wanted = NUMERIC[parameter.type]
        good = isinstance(dim, bool) if wanted is bool else not isinstance(dim, bool)
        if not good or (wanted is int and not isinstance(dim, int)):
            words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
            message = f"'{key}' is {words[parameter.type]}, not {dim!r}"
            raise _error("E112", message, step.at(key))
        return dim

    def variant(self, name: str, spec: BlockSpec, words: dict[str, Any], step: Step) -> str:
        """The IR block for these words; made at the first call."""
        key = (name, tuple((k, v if isinstance(v, str) else id(v)) for k, v in words.items()))
        if key in self.variants:
            return self.variants[key]
        if name in self.stack:
            chain = " -> ".join([*self.stack[self.stack.index(name) :], name])
            raise _error("E209", f"blocks call each other in a circle: {chain}", step.at("block"))
        if len(self.stack) >= MAX_BLOCK_DEPTH:
            message = f"blocks are nested deeper than {MAX_BLOCK_DEPTH}"
            raise _error("E209", message, step.at("block"))
        plain = name not in self.blocks
        suffix = "_".join(v for v in words.values() if isinstance(v, str)) or "2"
        made = name if plain else self.free_name(f"{name}_{suffix}")
        self.variants[key] = made
        self.stack.append(name)
        block = self.block(made, spec, words)
        self.stack.pop()
        self.blocks[made] = block
        return made

    def free_name(self, wanted: str) -> str:
        taken = {*self.blocks, *self.spec.blocks, *self.variants.values()}
        if wanted not in taken:
            return wanted
        return next(f"{wanted}{i}" for i in range(2, 10_000) if f"{wanted}{i}" not in taken)

    def block(self, name: str, spec: BlockSpec, words: dict[str, Any]) -> Block:
        form = Form.MODULE if spec.body else Form.SEQUENCE if spec.sequence else Form.INLINE
        numeric = {k: p for k, p in spec.parameters.items() if p.type in NUMERIC}
        symbolic = {k: NUMERIC[p.type] for k, p in numeric.items()}
        scope = Scope(
            name,
            form is not Form.MODULE,
            {**symbolic, IN_CHANNELS: int},
            dict(self.values),
            {**self.words, **words},
            Var(IN_CHANNELS),
        )
        for key in symbolic:
            scope.values.pop(key, None)
        for key, value in spec.let.items():
            scope.lets.append((key, self.dim(value, scope, spec, "let")))
            scope.names[key] = int
        body = self.body(spec.body or spec.sequence or spec.inline or (), scope)
        if form is Form.MODULE:
            (body,) = assign_names([body], self.found)
        params = tuple(
            Param(k, NUMERIC[p.type], self.default(k, p), p.once) for k, p in numeric.items()
        )
        return Block(name, form, body, params, tuple(scope.lets), spec.about, at=spec.at())

    def default(self, key: str, parameter: ParameterSpec) -> Dim | None:
        value = parameter.default
        if value is None or isinstance(value, (bool, int, float)):
            return value
        scope = Scope("", False, {}, self.values, {}, None)
        return self.dim(value, scope, parameter, "default")

    # -- values ----------------------------------------------------------------------------------

    def reader(self, scope: Scope, model: Model) -> Callable[[Any, str], Dim]:
        return lambda value, key: self.dim(value, scope, model, key)

    def dim(self, value: Any, scope: Scope, model: Model, key: str) -> Dim:
        """A number, or the expression that a string spells, network parameters filled in."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        at = model.at(key)
        try:
            dim = substitute(parse(value), scope.values)
        except ExprError as error:
            raise _error("E204", str(error), at) from None
        unknown = names(dim) - set(scope.names)
        if unknown:
            name = min(unknown)
            known = [*scope.names, *scope.values]
            help = did_you_mean(name, known)
            if name == CLASSES:
                help = "a block does not see $classes: give it a parameter and pass $classes"
            if name == INDEX:
                help = "$index has a meaning only where something is repeated"
            raise _error("E207", f"unknown name '${name}'", at, help)
        return dim


_WHERE = {"always": "always", "shape_changes": "where the shape changes"}


def _initializer(spec: InitSpec) -> Initializer:
    mode = spec.mode if spec.kind == "kaiming_normal" else ""
    return Initializer(spec.kind, mode, spec.std if spec.kind == "normal" else 0.0)
