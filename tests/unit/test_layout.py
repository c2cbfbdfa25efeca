"""Random statements are laid out as ruff lays them out."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from rescompile.emit import layout
from rescompile.emit.layout import Arg, Call, Chain, Code, Commented, Items, Keyword
from rescompile.emit.summary import docstring

RUFF = [sys.executable, "-m", "ruff", "format", "--isolated"]
SIMPLE = ["x = ", "self.conv1 = ", "x: int = ", "self.downsample: nn.Module = ", "y += ", "return "]
COMPOUND = ["if ", "while ", "for x in "]


def ruff_format(source: str, length: int = 100) -> str:
    words = [*RUFF, "--line-length", str(length), "-"]
    return subprocess.run(
        words, input=source, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


class Generator:
    """Draws trees and the text around them, many of them about as long as a line."""

    def __init__(self, seed: int, most: int = 90) -> None:
        self.random, self.most = random.Random(seed), most

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def name(self, mean: int, most: int = 90) -> str:
        length = int(self.random.expovariate(1 / mean)) + 1
        return self.random.choice("abcd") * min(length, most, self.most)

    def atom(self) -> str:
        if self.chance(0.2):
            return self.random.choice(["1", "0.5", "-1", "None", '"同"', "x.shape[0]", "x[:, 0]"])
        return self.random.choice(["", "", "", "self."]) + self.name(mean=10)

    def code(self, depth: int, *, chain: bool = True) -> Code:
        if not depth or self.chance(0.3):
            return self.atom()
        if self.chance(0.6):
            return self.call(depth)
        if chain and self.chance(0.5):
            count = self.random.choice([2, 2, 3])
            parts = tuple(self.code(depth - 1, chain=False) for _ in range(count))
            return Chain(self.random.choice(["+", "*", "and"]), parts)
        opening, closing = self.random.choice([("[", "]"), ("(", ")")])
        return Items(opening, closing, self.args(depth - 1, keyword=0), self.chance(0.1))

    def call(self, depth: int) -> Call:
        func: Code = self.random.choice(["nn.Conv2d", "super().f", 'a["b"]', self.name(mean=15)])
        if depth > 1 and self.chance(0.25):
            func = self.call(depth - 1)
        return Call(func, self.args(depth - 1), self.chance(0.15))

    def args(self, depth: int, *, keyword: float = 0.3) -> tuple[Arg, ...]:
        args: list[Arg] = []
        keywords = False
        for index in range(self.random.choice([0, 1, 1, 1, 2, 2, 3, 4])):
            code = self.code(depth)
            arg: Code | Keyword = code
            keywords |= self.chance(keyword)
            if keywords:
                arg = Keyword(f"{self.name(mean=5)}{index}", code)
            elif isinstance(code, Call) and isinstance(code.func, str) and self.chance(0.1):
                arg = Call("*" + code.func, code.args, code.explode)
            args.append(Commented(arg, self.name(mean=15)) if self.chance(0.06) else arg)
        return tuple(args)

    def before(self) -> tuple[str, str]:
        """Draw the text before and after a statement's code."""
        if self.chance(0.15):
            return self.random.choice(COMPOUND), ":"
        if self.chance(0.2):
            return self.name(mean=60) + self.random.choice([" = ", " += ", ": int = "]), ""
        return self.random.choice(SIMPLE), ""

    def statement(self) -> tuple[Code, dict[str, str]]:
        """Draw what :func:`layout.statement` takes, but for the indentation."""
        while True:
            code = self.code(self.random.choice([1, 2, 3, 4]))
            before, after = self.before()
            comment = self.name(mean=40) if self.chance(0.15) else ""
            if isinstance(code, Call) and self.chance(0.2):
                before = after = ""
            if before.startswith("for") and not (isinstance(code, Call) and code.args):
                continue  # ruff would put the target of the loop in parentheses
            kwargs = {"before": before, "after": after, "comment": comment}
            lines = layout.statement(code, indent=8, **kwargs).split("\n")
            if all("  # " not in line or layout._fits([line]) for line in lines):
                return code, kwargs

    def parameters(self) -> list[str]:
        annotations = [": int", ": list[int] | None", ": nn.Module = 0"]
        names = [f"{self.name(mean=20, most=60)}{n}" for n in range(self.random.randrange(5))]
        split = self.random.randrange(1, 9)
        params = [f"{name}{self.random.choice(annotations[:2])}" for name in names[:split]]
        if names[split:]:
            params += ["*", *(name + self.random.choice(annotations) for name in names[split:])]
        return params


@pytest.mark.parametrize(("seed", "length"), [(0, 100), (1, 79), (2, 88), (3, 120)])
def test_statements_are_laid_out_as_by_ruff(seed: int, length: int) -> None:
    generator = Generator(seed, most=90 if length == 100 else length - 40)
    with layout.lines_of(length):
        statements = [generator.statement() for _ in range(1500)]

    def module() -> str:
        functions = []
        for number, (code, kwargs) in enumerate(statements):
            lines = [f"def f{number}():"]
            indent = 4 + 4 * (number % 2)
            if indent == 8:
                lines.append("    if a:")
            lines.append(layout.statement(code, indent=indent, **kwargs))
            if kwargs["after"]:
                lines.append(" " * (indent + 4) + "pass")
            functions.append("\n".join(lines))
        return "\n\n\n".join(functions) + "\n"

    with layout.lines_of(length):
        laid_out = module()
    assert ruff_format(laid_out, length) == laid_out
    with layout.lines_of(10**6):
        assert ruff_format(module(), length) == laid_out


def test_signatures_are_laid_out_as_by_ruff() -> None:
    generator = Generator(0)
    lines = []
    for number in range(1000):
        returns = generator.random.choice(["None", "torch.Tensor", "tuple[int, int]"])
        lines += [
            f"class A{number}:",
            layout.signature(generator.name(mean=10), generator.parameters(), returns, indent=4),
            "        pass\n\n",
        ]
    module = "\n".join(lines).rstrip() + "\n"
    assert ruff_format(module) == module


def test_nested_sequential() -> None:
    block = Call(
        "nn.Sequential",
        (
            Commented(
                Call("nn.Conv2d", ("3", "64", Keyword("kernel_size", "7"))), "64 x 112 x 112"
            ),
            Call("nn.ReLU", (Keyword("inplace", "True"),)),
        ),
    )
    assert layout.statement(block, before="self.stem = ", indent=8) == (
        "        self.stem = nn.Sequential(\n"
        "            nn.Conv2d(3, 64, kernel_size=7),  # 64 x 112 x 112\n"
        "            nn.ReLU(inplace=True),\n"
        "        )"
    )


def test_applied_layer() -> None:
    args = (Keyword("filters", "64"), Keyword("kernel_size", "3"), Keyword("padding", '"same"'))
    layer = Call("layers.Conv2D", (*args, Keyword("name", '"stage1_block1_conv1"')))
    flat = 'layers.Conv2D(filters=64, kernel_size=3, padding="same", name="stage1_block1_conv1")'
    assert layout.statement(Call(layer, ("pooled_inputs",)), before="x = ", indent=4) == (
        f"    x = {flat}(\n        pooled_inputs\n    )"
    )
    assert layout.statement(Call(layer, ("pooled_inputs",)), before="projected = ", indent=4) == (
        "    projected = layers.Conv2D(\n"
        '        filters=64, kernel_size=3, padding="same", name="stage1_block1_conv1"\n'
        "    )(pooled_inputs)"
    )


def test_parentheses_where_the_last_line_would_be_too_long() -> None:
    chain = Chain("+", (Items("[", "]", ("a",)), "b" * 97))
    text = layout.statement(chain, before="x = ", indent=0)
    assert text == f"x = (\n    [a]\n    + {'b' * 97}\n)"
    assert ruff_format(text) == text + "\n"


def test_pragma_comments_take_no_width() -> None:
    call = Call("function", ("a" * 70,))
    assert "\n" not in layout.statement(call, before="x = ", comment="noqa: F401")
    assert "\n" in layout.statement(call, before="x = ", comment="a comment of some length")


@pytest.mark.parametrize("length", range(85, 100))
def test_docstrings_near_the_limit_stay_as_they_are(length: int) -> None:
    about = ("word " * 30)[: length - 1].strip().ljust(length - 1, "s") + "."
    text = "\n".join(["def f() -> None:", *docstring(about), "    return None", ""])
    assert ruff_format(text) == text
    assert max(map(len, text.splitlines())) <= 100
