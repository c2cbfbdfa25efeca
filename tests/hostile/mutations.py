"""Wrong specs by the thousand: good ones with nodes dropped, swapped, retyped, doubled; and bytes.

Half of the good specs have their libraries written out, so that blocks are mutated as well.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import yaml
from hypothesis import strategies as st

from rescompile.api import open_spec
from rescompile.language.load import zoo

Holder = Any  # a list or a dict
ALPHABET = "abc019 \n\t:-{}[]&*!|>'\"%@`#?,.$_\\/~\x00\x85\u2028\ufeffé\U0001f600"
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 255, 10**6, 2**40, 2**70, 0.5, -0.0, 1e300, float("inf")),
    *("", "none", "class", "None", "self", "torch", "keras", "__init__", "print", "1", "a b", "$"),
    *("$channels", "$in_channels", "$channels // 0", "$classes * 2", "9**9**9", "$x**9", "$a if"),
    *("$" * 300, "x" * 5000, 'a"); import os; ("', '"""', "\\", "{x}", "{{ x }}", "a\nb", "\u202e"),
    *("c\u043env1", "\uff41", "../../etc/passwd", "/etc/passwd", "blocks/residual", "resnet34"),
    *([], {}, [[]], [{}], {"a": {}}, [1, 2, 3, 4, 5], {"block": "basic_block"}),
    *({"conv": {"channels": 8, "kernel": 3}}, {"group": []}, {"add": {"a": [], "b": []}}),
)


@cache
def good(name: str, resolved: bool) -> Any:
    """A shipped spec as plain data."""
    if resolved:
        return open_spec(name).document.root.plain()
    return yaml.safe_load(zoo()[name].read_text("utf-8"))


def places(data: Any) -> list[tuple[Holder, Any]]:
    """Each value of a tree as its holder and its key."""
    found: list[tuple[Holder, Any]] = []
    if isinstance(data, (dict, list)):
        keys = list(data) if isinstance(data, dict) else range(len(data))
        for key in keys:
            found.append((data, key))
            found.extend(places(data[key]))
    return found


def drop(draw: Any, holder: Holder, key: Any, data: Any) -> None:
    del holder[key]


def retype(draw: Any, holder: Holder, key: Any, data: Any) -> None:
    holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))


def swap(draw: Any, holder: Holder, key: Any, data: Any) -> None:
    other, there = draw(st.sampled_from(places(data)))
    mine, its = copy.deepcopy(holder[key]), copy.deepcopy(other[there])
    holder[key], other[there] = its, mine


def double(draw: Any, holder: Holder, key: Any, data: Any) -> None:
    value = copy.deepcopy(holder[key])
    if isinstance(holder, list):
        holder.insert(key, value)
    else:
        holder[draw(st.sampled_from(["name", "block", "repeat", "from", "extra", key, 3]))] = value


def rename(draw: Any, holder: Holder, key: Any, data: Any) -> None:
    if isinstance(holder, dict):
        keys = [at for there, at in places(data) if isinstance(there, dict)]
        holder[draw(st.sampled_from(keys))] = holder.pop(key)
    else:
        holder[key] = [holder[key]]


MUTATIONS = (drop, retype, swap, double, rename)


@st.composite
def mutated_specs(draw: Any) -> bytes:
    """The text of a shipped spec with one to four mutations."""
    data = copy.deepcopy(good(draw(st.sampled_from(sorted(zoo()))), draw(st.booleans())))
    for _ in range(draw(st.integers(1, 4))):
        if found := places(data):
            holder, key = draw(st.sampled_from(found))
            draw(st.sampled_from(MUTATIONS))(draw, holder, key, data)
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=draw(st.booleans()))
    return text.encode()


@st.composite
def damaged_specs(draw: Any) -> bytes:
    """The bytes of a shipped spec, a piece of them replaced."""
    data = zoo()[draw(st.sampled_from(sorted(zoo())))].read_bytes()
    start = draw(st.integers(0, len(data)))
    stop = start + draw(st.integers(0, 40))
    new = draw(st.one_of(st.binary(max_size=20), st.text(ALPHABET, max_size=20).map(str.encode)))
    return data[:start] + new + data[stop:]


def byte_strings() -> st.SearchStrategy[bytes]:
    """Bytes, text in YAML's own characters, and damaged specs."""
    return st.one_of(st.binary(), st.text(ALPHABET).map(str.encode), damaged_specs())
