"""Specs that mean harm: each would be large, slow or code, were it believed."""

from __future__ import annotations

HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 32, width: 32}\nclasses: 10\n"
CONV = "conv: {channels: 8, kernel: 3}"


def _chain(form: str, step: str, levels: int = 22) -> str:
    """Blocks that each call the next one, by a step with `{}` for its number; then a conv."""
    steps = [(i, step.replace("{}", str(i + 1))) for i in range(levels)]
    blocks = "".join(f"  b{i}:\n    {form}:\n      - {text}\n" for i, text in steps)
    return f"{HEAD}blocks:\n{blocks}  b{levels}:\n    {form}:\n      - {CONV}\nstages:\n  - "


def _lets(expression: str) -> str:
    lets = "".join(f"      l{i}: {expression.replace('{}', f'$l{i - 1}')}\n" for i in range(1, 60))
    return (
        f"{HEAD}blocks:\n  b:\n    parameters:\n      x: {{type: int}}\n    let:\n      l0: $x\n"
        f"{lets}    body:\n      - conv: {{channels: $l59, kernel: 3}}\n"
        "stages:\n  - {block: b, name: s, x: 3}\n  - {block: b, name: t, x: 4}\n"
    )


def _channels(expression: str) -> str:
    return f"{HEAD}stages:\n  - conv: {{channels: '{expression}', kernel: 3}}\n"


HARMLESS = {"calls of nothing"}  # good in the end, but four million calls if taken one by one
BOMB = "".join(f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
SPECS = {
    # YAML
    "bomb": f"{HEAD}parameters:\n  a0: &a0 [1, 1]\n{BOMB}stem: []\n",
    "bomb of text": f"{HEAD}parameters: {{a: &a {'a' * 400_000}, "
    f"l: [{', '.join(['*a'] * 40_000)}]}}\nstem:\n  - {CONV}\n",
    "nodes": f"{HEAD}stem:\n" + "  - activation: {}\n" * 40_000,
    "flat list": f"{HEAD}stem: [" + "[], " * 40_000 + "]\n",
    "deep": f"{HEAD}stem: " + "[" * 100_000,
    "long key": f'{HEAD}"{"k" * 900_000}": 1\n',
    "long name": f"{HEAD}stem:\n  - {CONV}\n    name: {'n' * 900_000}\n",
    "long number": f"{HEAD}stem:\n  - conv: {{channels: {'9' * 900_000}, kernel: 3}}\n",
    "many errors": f"{HEAD}stem:\n" + "  - cnv: {channels: 8}\n" * 12_000,
    "many unknown keys": HEAD + "".join(f"k{i}: 1\n" for i in range(20_000)) + "stem: []\n",
    "long reference": f"rescompile: 1\nextends: {'x' * 5000}\n",
    "long library": f"rescompile: 1\nuse: [{'x/' * 3000}x]\n",
    "terminal": 'rescompile: 1\n"\\e[2J\\e]0;x\\a": 1\n',
    # size
    "layers": f"{HEAD}stem:\n" + f"  - {CONV}\n" * 12_000,
    "repeats in repeats": _chain("sequence", "{block: b{}, repeat: 50}")
    + "{block: b0, repeat: 50, name: s}\n",
    "calls of calls": _chain("sequence", "{block: b{}}\n      - {block: b{}}")
    + "{block: b0, name: s}\n",
    "calls of nothing": _chain("inline", "{block: b{}}\n      - {block: b{}}").replace(
        CONV, f"{{{CONV}, when: false}}"
    )
    + "group: [{block: b0}]\n",
    "branches of branches": _chain(
        "body", "add: [[{block: b{}, name: p}], [{block: b{}, name: q}]]"
    )
    + "{block: b0, name: s}\n",
    "channels of concats": f"{HEAD}stages:\n" + "  - concat: [[], [], [], [], [], []]\n" * 60,
    "concats in a block": f"{HEAD}blocks:\n  b:\n    body:\n"
    + "      - concat: [[], []]\n" * 60
    + f"stages:\n  - {{block: b, name: s}}\n  - {CONV}\n  - {{block: b, name: t}}\n",
    "upsampling": f"{HEAD}stages:\n" + "  - upsample: {scale: 64}\n" * 20,
    "kernel": f"{HEAD}stages:\n  - conv: {{channels: 8, kernel: 100000000001}}\n",
    "dilation": f"{HEAD}stages:\n  - conv: {{channels: 8, kernel: 3, dilation: 99999999}}\n",
    "repeat": f"{HEAD}blocks: {{b: {{body: [{{norm: {{}}}}]}}}}\n"
    "stages:\n  - {block: b, repeat: 1000000000, name: s}\n",
    "pattern": f"{HEAD}blocks: {{b: {{body: [{{norm: {{}}}}]}}}}\n"
    "stages:\n  - {block: b, repeat: 3, name: s, children: '{n:>999999999}'}\n",
    "claimed power": f"{HEAD}stem:\n  - {CONV}\nclaims:\n  - {{macs: 1 x 10^99999999, where: x}}\n",
    "claimed digits": f"{HEAD}stem:\n  - {CONV}\n"
    f"claims:\n  - {{layers: {'9' * 5000} layers, where: x}}\n",
    # expressions
    "lets": _lets("max({}, {} + 0, {} // 2)"),
    "sums of lets": _lets("{} + {} * {}"),
    "power": _channels("9**9**9 + $classes"),
    "shift": _channels("1 << 99999999 + $classes"),
    "text times": _channels('"a" * 9999999999 + $classes'),
    "digits": _channels("$classes + " + "9" * 285),
    "infinite": _channels("int($classes * 1e308 * 1e308)"),
    "no number": _channels("int($classes * (1e999 - 1e999))"),
    "divisor": _channels("make_divisible($classes, 0)"),
    "parentheses": _channels("(" * 280 + "$classes"),
    "minus": _channels("-" * 280 + "$classes"),
    "lambda": _channels("(lambda: $classes)()"),
    "attribute": _channels("$classes.__class__.__base__"),
    "import": _channels('__import__("os").system("touch pwned") + $classes'),
    "long expression": _channels("$" + "n" * 900_000),
    # names
    "keyword": HEAD.replace("mine", "lambda") + f"stem:\n  - {CONV}\n",
    "dunder": f"{HEAD}stem:\n  - {CONV}\n    name: __init__\n",
    "builtin": HEAD.replace("mine", "print") + f"stem:\n  - {CONV}\n",
    "code": f"{HEAD}stem:\n  - {CONV}\n    name: 'a\"); import os; (\"'\n",
    "lookalike": f"{HEAD}stem:\n  - {CONV}\n    name: c\u043env1\n",
    "full width": f"{HEAD}stem:\n  - {CONV}\n    name: \uff41\n",
    "right to left": f'{HEAD}stem:\n  - {CONV}\n    name: "a\\u202eb"\n',
}
