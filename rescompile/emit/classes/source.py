"""The file of a network whose target has modules: classes, and the helpers that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from pathlib import Path

from ..code import used_names
from ..contract import Request
from ..layout import Call
from ..lines import RETURN, Line
from ..template import environment, helper, tidy
from .define import define_network, new_program
from .syntax import Class, Syntax

HERE = Path(__file__).parent
# What files import of Python, as isort has it; each line for a name.
STANDARD = (
    ("math", "import math"),
    ("Callable", "from collections.abc import Callable"),
    ("Sequence", "from collections.abc import Sequence"),
    ("partial", "from functools import partial"),
    ("Any", "from typing import Any"),
)


def source(request: Request, syntax: Syntax, own: Path, advice: str = "") -> str:
    """The source of a network: `own` has the backend's helpers, `advice` is for its docstring."""
    program = new_program(request.analysis, syntax)
    network = define_network(program)
    definitions = [*program.order, network, _maker(request.analysis.network.name, network)]
    used = {
        n for made in definitions for part in (made.lines, made.forward) for n in used_names(part)
    }
    used |= syntax.always.union(*((made.decorator[1:], made.base) for made in definitions)) - {""}
    for name in reversed(syntax.helpers):  # those that others use come first
        used |= used_names([helper(own, name)]) if name in used else set()
    constants = syntax.constants(used)
    used |= used_names(constants)
    helpers = [helper(own, name) for name in syntax.helpers if name in used]
    used |= used_names(helpers) | _types(definitions)
    template = environment(HERE).get_template("classes.py.j2")
    made = template.render(
        docstring=request.summary.docstring(syntax.layout, advice),
        imports=_imports(syntax, used),
        constants=constants,
        helpers=helpers,
        definitions=definitions,
        starts=syntax.starts,
    )
    return tidy(made)


def _imports(syntax: Syntax, used: Set[str]) -> list[str]:
    standard, own = (
        [line for name, line in lines if not name or name in used & syntax.file_names]
        for lines in (STANDARD, syntax.imports)
    )
    return [*standard, "", *own] if standard else own


def _types(definitions: Iterable[Class]) -> set[str]:
    """What the types are made of that functions return."""
    return {name for made in definitions for name in re.findall(r"\w+", made.returns)}


def _maker(name: str, network: Class) -> Class:
    """The function that makes the network."""
    names = tuple(argument.name for argument in network.arguments)
    line = Line(Call(network.name, (*names, *network.syntax.passed)), RETURN)
    returns, syntax = network.name, network.syntax
    return Class(name, network.arguments, (str(line),), returns=returns, syntax=syntax)
