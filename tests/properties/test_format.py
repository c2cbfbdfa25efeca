"""The canonical form of any YAML: nothing is lost on the way to it, and it is its own form."""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rescompile.errors import SpecError
from rescompile.language.format import canonical
from rescompile.language.format.write import ORDER
from rescompile.language.yaml import read

EXAMPLES = int(os.environ.get("RESCOMPILE_FUZZ", "200"))
WORDS = [
    "a",
    "name",
    "block",
    "# not one",
    "$x * 2",
    "1.0",
    "yes",
    "null",
    "a: b",
    "ü",
    "x\ny",
    "{i}",
]
PIECES = [
    *("- ", "-\n", "a: ", "b:", "name: ", "c: 1", "blocks:\n", "[", "]", "{", "}", ", ", "- - "),
    *("\n", "\n  ", "\n    ", "\n      ", "\n\n", "# c\n", "  # d\n", " # e\n", "[ # f\n", "]\n"),
    *(
        "x",
        "1",
        "~",
        "&a ",
        "*a",
        "|\n  t\n",
        "'",
        '"',
        "\t",
        "\r\n",
        "\r",
        "\ufeff",
        "\u2028",
        "\x85",
    ),
]
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def trees() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(WORDS), st.text())
    keys = st.one_of(st.sampled_from([*WORDS, *ORDER]), st.text(max_size=5)).filter(
        lambda key: key not in ("1.0", "null", "<<")
    )
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20
    )


@given(
    data=st.dictionaries(st.sampled_from([*ORDER, "x"]), trees(), min_size=1),
    flow=st.sampled_from([None, True, False]),
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    seed=st.integers(0, 99),
)
@many
def test_nothing_is_lost(data: Any, flow: Any, style: Any, seed: int) -> None:
    """Data and comments are the same in the form, wherever comments stood."""
    text = yaml.safe_dump(data, default_flow_style=flow, default_style=style, allow_unicode=True)
    text = re.sub(r'!!(?:int|float|bool|null) ["\'](.*?)["\']', r"\1", text)
    draw, lines = random.Random(seed), []
    for number, line in enumerate(text.splitlines()):
        plain = bool(line.strip()) and not re.search("['\"|>!?\\\\#]|^ *[^-: ]+$", line)
        if plain and draw.random() < 0.4:
            lines.append(" " * draw.randrange(6) + f"# above {number}")
        lines.append(line + f" # beside {number}" * (plain and draw.random() < 0.4))
    try:
        before = read(commented := "\n".join(lines).encode() + b"\n", "x").plain()
    except SpecError:
        return
    made = canonical(commented, "x")
    assert canonical(made.encode(), "x") == made
    assert read(made.encode(), "x").plain() == before
    for comment in re.findall("# (?:above|beside) [0-9]+", "\n".join(lines)):
        assert comment in made


@given(text=st.lists(st.sampled_from(PIECES), max_size=18).map("".join))
@example(text="\ufeff\ufeff(")
@example(text="a:\n- [ # c\n  ]\n")
@many
def test_the_form_is_its_own(text: str) -> None:
    """Of whatever the reader takes: the form is stable, and its data are those of the text."""
    try:
        before = read(text.encode(), "x").plain()
    except SpecError:
        return
    made = canonical(text.encode(), "x").encode()
    assert canonical(made, "x").encode() == made
    after = read(made, "x").plain()
    assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)
