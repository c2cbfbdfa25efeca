"""What a backend says of its framework, so that classes can be written for it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import field

from ...ir.analysis import Analysis
from ...ir.nodes import JoinKind, Layer, Node
from ...ir.structure import Block, Form
from ...ops import Op
from ...record import record
from ...reserved import ATTRIBUTES
from ..code import Attribute, several
from ..layout import Call, Chain, Code, Keyword, signature
from ..lines import Writer
from ..naming import pascal_case
from ..program import Definition, Program, Target
from ..scope import Argument, Scope, call_args

NUM_CLASSES = "num_classes"


class Syntax(Target):
    """How a target that has modules writes what classes are made of."""

    meanings = Target.meanings | {"list", "self", "super"}
    own = Target.own | {"first", "layers", "members", "name", NUM_CLASSES, "rest", "stage"}
    own |= {"width", "x"}
    file_names: frozenset[str] = frozenset()  # what a file imports or defines, always called so
    # Lines that import the target, each with the name that only some files use; empty where all do.
    imports: tuple[tuple[str, str], ...] = ()
    helpers: tuple[str, ...] = ()  # what it may define beside its classes, in this order
    always: frozenset[str] = frozenset()  # those that every file has
    tensor = "Tensor"
    forward = "forward"  # the method that applies a module
    context: tuple[Argument, ...] = ()  # what that is given before tensors, and hands on
    overwrites = True  # whether sums and operations can take the place of what they are given
    decorator = ""  # what stands above the class of a block
    module: str  # the base class of all modules
    sequence: str  # the class of modules that are applied one after the other
    listing: str  # the class of lists of modules
    holds = ""  # the attribute of a sequence that lists its members; empty where it does so itself
    identity: str  # the module that does nothing, as an expression
    silent: tuple[type[Op], ...] = ()  # what is nothing at all here, and no member of a sequence
    starts = "super().__init__()"  # how the constructor of a module begins, if it must
    attributes = ATTRIBUTES  # of every module and sequence: no member is called so
    declared: tuple[str, ...] = ()  # what every constructor takes, `rngs: nnx.Rngs` for instance
    passed: tuple[Keyword, ...] = ()  # and how that is handed on
    inline: tuple[type[Op], ...] = ()  # what needs no member, by its kind alone

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    def block_name(self, block: Block) -> tuple[str, str]:
        if block.form is Form.INLINE:
            return block.name, "_steps"
        return pascal_case(block.name), "Block"

    @property
    def part(self) -> str:
        """The type of the members of a sequence."""
        return self.module

    @property
    def optional(self) -> str:
        """The type of a member that may be the identity; empty where it goes without one."""
        return self.module

    def layer(self, node: Layer, scope: Scope, in_place: bool) -> Code:
        """The constructor of an operation's module."""
        raise NotImplementedError

    def inlined(self, node: Layer) -> bool:
        """Whether the forward pass writes an operation without a member, unless it has a `when`."""
        return isinstance(node.op, self.inline)

    def nothing(self, nodes: Sequence[Node]) -> str | None:
        """The module that does nothing, as what stands in the place of one of some nodes.

        None where an attribute that was it cannot become each of them.
        """
        return self.identity

    def in_sequence(self, node: Layer, made: Code) -> Code:
        """The constructor where nothing but the module is applied."""
        return made

    def apply(self, node: Layer, member: str, source: Code) -> Code:
        """An operation applied; `member` is its module, where it has one."""
        return self.call(member, source)

    def call(self, member: str, *sources: Code) -> Call:
        """A module applied to values."""
        return Call(member, (*(argument.name for argument in self.context), *sources))

    def join(self, kind: JoinKind, operands: tuple[Code, ...]) -> Code:
        """A sum or a product."""
        return Chain("*" if kind is JoinKind.MULTIPLY else "+", operands)

    def concat(self, operands: tuple[Code, ...]) -> Code:
        raise NotImplementedError

    def split(self, source: str, count: int) -> Code:
        """Equal shares of the channels."""
        raise NotImplementedError

    def append(self, target: str, made: Code, name: str) -> Code:
        """One more member of a sequence or a list; `name` is source text, empty for a number."""
        return Call(f"{target}.append", (made,))

    def extend(self, target: str, made: Code) -> Code:
        return Call(f"{target}.extend", (made,))

    def members(self, sequence: str) -> str:
        """What lists the members of a sequence."""
        return f"{sequence}.{self.holds}" if self.holds else sequence

    def numbered(self, sequence: str) -> str:
        """What has the members of a sequence by their positions, whatever they are called."""
        return self.members(sequence)

    def listed(self, made: Code) -> Code:
        """The same, where the sequence is an expression."""
        return Attribute(made, self.holds) if self.holds else made

    def finish(self, lines: Writer) -> None:
        """Write the end of the network's constructor, if there is anything to say."""

    def constants(self, used: Set[str]) -> list[str]:
        """Lines above the classes, given the names that these use."""
        return []


@record
class Class(Definition):
    """A class, by its constructor and its forward pass, or a function that makes modules."""

    forward: tuple[str, ...] = ()
    base: str = ""  # the class of a class
    returns: str = ""  # what a function returns
    inputs: tuple[str, ...] = ()  # what the forward pass calls its arguments
    outputs: int = 0  # of a forward pass that names what it gives; several are a tuple
    decorator: str = ""
    syntax: Syntax = field(kw_only=True)

    @property
    def signature(self) -> str:
        """The head: of `__init__` for classes, of the function for functions."""
        given = [*(argument.declared for argument in self.arguments), *self.syntax.declared]
        if self.returns:
            return signature(self.name, given, self.returns)
        return signature("__init__", ["self", *given], "None", 4)

    @property
    def forward_signature(self) -> str:
        """The head of the forward pass."""
        one = self.syntax.tensor
        made = several(one, self.outputs) if self.outputs > 1 else one
        context = (argument.declared for argument in self.syntax.context)
        given = ["self", *context, *(f"{name}: {one}" for name in self.inputs)]
        return signature(self.syntax.forward, given, made, 4)

    def call(self, given: dict[str, str]) -> Call:
        """A call: channels by position, the rest by keyword, defaults left out."""
        return Call(self.name, (*call_args(self.arguments, given), *self.syntax.passed))


Classes = Program[Syntax, Class]
