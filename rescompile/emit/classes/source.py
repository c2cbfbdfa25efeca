"""The file of a network whose target has modules: classes, and the helpers that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..contract import Request
from ..layout import Call
from ..lines import RETURN, Line
from ..template import environment, helper, tidy
from .define import define_network, new_program
from .syntax import Class, Syntax

HERE = Path(__file__).parent
NAME = re.compile(r"(?<![\w.])\w+(?=[.(,)])")  # one that code calls, asks or hands on


def source(request: Request, syntax: Syntax, folder: Path, advice: str = "") -> str:
    """The source of a network; `advice` is a line of its docstring.

    The backend's `folder` has `helpers`, and `templates`: module.py.j2, which extends classes.py.j2
    here, says what is imported.
    """
    program = new_program(request.analysis, syntax)
    network = define_network(program)
    definitions = [*program.order, network, _maker(request.analysis.network.name, network)]
    used = _used(line for made in definitions for line in (*made.lines, *made.forward))
    constants = syntax.constants(used)
    used |= _used(constants)
    helpers = [helper(folder / "helpers", name) for name in syntax.helpers if name in used]
    used |= _used(helpers)
    template = environment(HERE, folder / "templates").get_template("module.py.j2")
    made = template.render(
        docstring=request.summary.docstring(syntax.layout, advice),
        used=used,
        constants=constants,
        helpers=helpers,
        definitions=definitions,
        starts=syntax.starts,
    )
    return tidy(made)


def _used(code: Iterable[str]) -> set[str]:
    return {name for text in code for name in NAME.findall(text)}


def _maker(name: str, network: Class) -> Class:
    """The function that makes the network."""
    names = tuple(argument.name for argument in network.arguments)
    line = Line(Call(network.name, (*names, *network.syntax.passed)), RETURN)
    returns, syntax = network.name, network.syntax
    return Class(name, network.arguments, (str(line),), returns=returns, syntax=syntax)
