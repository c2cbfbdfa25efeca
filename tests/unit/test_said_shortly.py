"""What the language says shortly, and that it is the network that is said at length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.errors import SpecError
from rescompile.ir.trace import flatten
from rescompile.registry import backend_names

Write = Callable[..., Path]
Layers = list[tuple[object, ...]]


def layers(spec: Path) -> Layers:
    """The operations of a network with their paths and shapes; its code is proved everywhere."""
    net = open_spec(spec)
    for backend in backend_names():
        net.source(backend)
    found = flatten(net.analysis.elaborated.root.items)
    return [(path, trace.op, trace.x, trace.y) for path, trace in found]


def same(write: Write, short: str, long: str) -> None:
    assert layers(write(short, "short")) == layers(write(long, "long"))


UNIT = """
blocks:
  unit:
    parameters: {channels: {}, biased: {type: bool, default: false}}
    body:
      - {name: conv, conv: {channels: $channels, kernel: 3, bias: $biased}}
"""
LEVEL = """
  level:
    parameters: {depth: {}, wide: {default: 8}}
    body:
      - {name: first, block: unit, channels: 8}
      - {name: more, block: unit, channels: $wide, repeat: $depth}
      - name: tail
        group:
          - {block: unit, channels: $wide, repeat: $depth}
          - {repeat: $depth // 2, steps: [{conv: {channels: $wide, kernel: 1}}, {norm: {}}]}
          - activation: {}
"""


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_part_repeated_0_times_is_not_there(depth: int, write: Write) -> None:
    stages = "stages:\n  - {{name: a, block: level, depth: {}}}\n"
    short = UNIT + LEVEL + stages.format(depth) + "  - {name: b, block: level, depth: 3}\n"
    found = [path for path, *_ in layers(write(short)) if path[0] == "a"]
    assert found == [
        ("a", "first", "conv"),
        *[("a", "more", str(i), "conv") for i in range(depth)],
        *[("a", "tail", str(i), "conv") for i in range(depth)],
        *[("a", "tail", str(depth + i)) for i in range(depth // 2 * 2 + 1)],
    ]


def test_the_network_itself_leaves_out_what_is_repeated_0_times(write: Write) -> None:
    rows = "stages:\n{}  - {{name: b, block: unit, channels: 8}}\n"
    some = "  - {name: a, block: unit, channels: 16, repeat: $n}\n"
    same(write, "parameters: {n: 0}\n" + UNIT + rows.format(some), UNIT + rows.format(""))


def test_nothing_is_repeated_less_often(write: Write) -> None:
    wrong = UNIT + LEVEL + "stages:\n  - {name: a, block: level, depth: -1}\n"
    with pytest.raises(SpecError, match="repeat is -1; it must be a whole number from 0"):
        layers(write(wrong))


@pytest.mark.parametrize("depth", [0, 1])
def test_what_is_repeated_0_times_leaves_no_value(depth: int, write: Write) -> None:
    """A step that may be repeated 0 times can be gone back to where it never is."""
    spec = (
        UNIT
        + f"""
  skip:
    parameters: {{depth: {{}}}}
    body:
      - {{name: more, block: unit, channels: 8, repeat: $depth}}
      - {{name: conv, conv: {{channels: 8, kernel: 1}}}}
      - add: [[], [{{from: more}}]]
stages:
  - {{name: a, block: skip, depth: {depth}}}
  - {{name: b, block: skip, depth: 2}}
"""
    )
    if depth:
        assert len(layers(write(spec))) == 5
        return
    with pytest.raises(SpecError, match="the step 'more' is repeated 0 times") as caught:
        layers(write(spec))
    (found,) = caught.value.diagnostics
    assert found.location is not None
    assert "from: more" in found.location.text


def test_a_bias_is_there_on_a_condition(write: Write) -> None:
    rows = "stages:\n  - {name: a, block: unit, channels: 8, biased: true}\n"
    spec = UNIT + rows + "  - {name: b, block: unit, channels: 8}\n"
    ops = [op for _, op, *_ in layers(write(spec))]
    assert [op.bias for op in ops] == [True, False]  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["$channels", "$channels * 2"])
def test_a_bias_is_no_number(value: str, write: Write) -> None:
    spec = UNIT.replace("$biased", value) + "stages:\n  - {name: a, block: unit, channels: 8}\n"
    with pytest.raises(SpecError, match="`bias` is true or false"):
        layers(write(spec))


WAYS = """
  ways:
    parameters: {paths: {default: 2}, pooled: {type: bool, default: false}}
    let: {most: $paths}
    body:
      - concat:
          conv: {repeat: $most, branch: [{conv: {channels: 4 * ($index + 1), kernel: 3}}]}
          pool: {when: $pooled, branch: [{max_pool: {kernel: 3, stride: 1, padding: 1}}]}
"""
BRANCHES = {
    "{paths: 3}": "[c4, c8, c12]",
    "{paths: 1, pooled: true}": "[c4, pool]",
    "{pooled: true}": "[c4, c8, pool]",
    "{}": "[c4, c8]",
}


def test_branches_repeat_and_are_left_out(write: Write) -> None:
    rows = [f"  - {{name: s{i}, block: ways, {a[1:]}\n" for i, a in enumerate(BRANCHES)]
    short = UNIT + WAYS + "stages:\n" + "".join(rows).replace(", }", "}")
    long = "stages:\n"
    for i in range(len(BRANCHES)):
        long += f"  - {{name: s{i}, block: s{i}}}\n"
    blocks = "blocks:\n"
    for i, names in enumerate(BRANCHES.values()):
        blocks += f"  s{i}:\n    body:\n      - concat:\n"
        for number, name in enumerate((n for n in names[1:-1].split(", ") if n != "pool"), 1):
            blocks += f"          conv{number}: [{{conv: {{channels: {name[1:]}, kernel: 3}}}}]\n"
        if "pool" in names:
            blocks += "          pool: [{max_pool: {kernel: 3, stride: 1, padding: 1}}]\n"
    same(write, short, blocks + long)


def test_calls_that_agree_in_their_branches_share_a_class(write: Write) -> None:
    rows = "stages:\n" + "".join(
        f"  - {{name: s{i}, block: ways, paths: {n}}}\n" for i, n in enumerate((2, 3, 2, 3))
    )
    net = open_spec(write(UNIT + WAYS + rows))
    assert [*net.analysis.network.blocks] == ["ways", "ways_3"]


def test_a_mapping_that_repeats_may_be_all_branches(write: Write) -> None:
    short = (
        "stages:\n  - add: {repeat: 3, branch: [{conv: {channels: 4, kernel: 2 * $index + 1}}]}\n"
    )
    convs = ", ".join(f"[{{conv: {{channels: 4, kernel: {k}}}}}]" for k in (1, 3, 5))
    same(write, short, f"stages:\n  - add: [{convs}]\n")


def test_one_branch_that_is_left_is_all_there_is(write: Write) -> None:
    conv = "conv: {channels: 4, kernel: 3}"
    short = f"stages:\n  - concat:\n    - [{{{conv}}}]\n    - {{when: false, branch: []}}\n"
    same(write, short + "  - norm: {}\n", f"stages:\n  - {conv}\n  - norm: {{}}\n")


@pytest.mark.parametrize(
    ("block", "call", "message"),
    [
        ("{repeat: $paths, branch: []}", "paths: $classes", "'paths' decides which branches"),
        ("{repeat: $paths, branch: []}", "paths: -1", "repeat is -1; it must be a whole number"),
        ("{repeat: $in_channels, branch: []}", "paths: 2", "`repeat` has to be known here"),
        ("{when: $in_channels > 1, branch: []}", "paths: 2", "`when` has to be known here"),
        ("{when: false, branch: []}", "paths: 2", "joins two branches or more"),
        (
            "{repeat: $paths, branch: [{conv: {channels: 8, kernel: 1}, name: c}]}",
            "paths: 2",
            "twice",
        ),
        (
            "{repeat: 10000, branch: [{add: {repeat: 99, branch: [{norm: {}}]}}]}",
            "paths: 2",
            "steps",
        ),
        ("{children: 'a{n}', branch: []}", "paths: 2", "names branches that repeat"),
    ],
)
def test_branches_that_are_refused(block: str, call: str, message: str, write: Write) -> None:
    first = (
        f"blocks:\n  b:\n    parameters: {{paths: {{}}}}\n    body:\n      - concat: [{block}]\n"
    )
    if "$paths" not in block:
        first += "      - scale: {factor: $paths}\n"
    with pytest.raises(SpecError, match=message) as caught:
        layers(write(first + f"stages:\n  - {{name: s, block: b, {call}}}\n"))
    assert all(one.location for one in caught.value.diagnostics)


EITHER = """
blocks:
  unit:
    parameters: {channels: {}, deep: {type: bool, default: false}, kind: {default: 0}}
    body:
      - {name: conv, when: $deep, conv: {channels: $channels, kernel: 3}}
      - {name: conv, when: not $deep, depthwise_conv: {kernel: 3}}
      - {name: act, when: $kind == 0, activation: {}}
      - {name: act, when: $kind == 1, activation: {kind: silu}}
      - {name: act, when: $kind > 1, activation: {kind: gelu}}
      - name: tail
        group:
          - {name: t, when: $deep, norm: {}}
          - {name: t, when: not $deep, group: [{conv: {channels: 4, kernel: 1}}]}
stages:
  - {name: a, block: unit, channels: 8}
  - {name: b, block: unit, channels: 8, deep: true, kind: 1}
  - {name: c, block: unit, channels: 4, kind: 2}
  - {name: d, block: unit, channels: 4, deep: true, kind: -1}
"""


def test_alternatives_have_one_name(write: Write) -> None:
    found = [".".join(path) for path, *_ in layers(write(EITHER))]
    assert found == [
        *("a.conv", "a.act", "a.tail.t.0", "b.conv", "b.act", "b.tail.t"),
        *("c.conv", "c.act", "c.tail.t.0", "d.conv", "d.tail.t"),
    ]


def test_alternatives_are_one_choice_in_code(write: Write) -> None:
    """One of two is there for sure; none of three, the activations, for another number."""
    for backend in backend_names():
        source = open_spec(write(EITHER)).source(backend)
        assert source.count("elif kind == 1") == source.count("elif kind > 1") == 1
        assert "not deep" not in source


@pytest.mark.parametrize(
    ("first", "second", "between"),
    [
        ("$deep", "$kind > 1", ""),  # both may hold
        ("$kind > 1", "$kind >= 2", ""),
        ("true", "$deep", ""),
        ("$deep", "not $deep", "      - activation: {}\n"),  # no neighbours
    ],
)
def test_other_steps_have_names_of_their_own(
    first: str, second: str, between: str, write: Write
) -> None:
    steps = [f"      - {{name: conv, when: {when}, norm: {{}}}}\n" for when in (first, second)]
    head, _, tail = EITHER.partition("      - {name: conv")
    rest = tail.partition("      - {name: act")[2]
    spec = head + between.join(steps) + "      - {name: act" + rest
    with pytest.raises(SpecError, match="the name 'conv' stands twice in one scope"):
        layers(write(spec))


def test_a_network_has_names_for_expressions(write: Write) -> None:
    rows = "stages:\n  - {{name: a, block: unit, channels: {}, repeat: {}}}\n"
    lets = "let: {wide: 8 * $w, deep: $n + 1, twice: 2 * $wide, out: 2 * $classes}\n"
    last = "  - {{name: b, conv: {{channels: {}, kernel: 1}}}}\n"
    last += "head:\n  - global_avg_pool: {{}}\n  - {{name: fc, linear: {{features: {}}}}}\n"
    given = "parameters: {w: 2, n: 1}\n" + UNIT
    short = (rows + last).format("$wide", "$deep", "$twice", "$out")
    long = (rows + last).format("8 * $w", "$n + 1", "16 * $w", "2 * $classes")
    same(write, lets + given + short, given + long)
    net = open_spec(write(lets + given + short))
    assert set(net.parametric.network.own) == {"classes", "in_channels", "w"}  # n tells how often
    for backend in backend_names():
        assert "twice = 2 * wide" in net.source(backend)


def test_blocks_know_the_values_of_the_network(write: Write) -> None:
    block = "blocks:\n  unit:\n    parameters: {channels: {}}\n    body:\n"
    block += "      - conv: {channels: $channels * $more, kernel: 3}\n"
    rows = "stages:\n  - {name: a, block: unit, channels: 8}\n"
    found = layers(write("parameters: {n: 2}\nlet: {more: $n + 1}\n" + block + rows))
    assert found[0][3] == (24, 32, 32)


@pytest.mark.parametrize(
    ("lets", "message"),
    [
        ("{more: $n + 1}", "nothing reads the value 'more' of the network"),
        ("{n: 3}", "the network has a parameter 'n' already"),
        ("{c: $m + 1}", r"unknown name '\$m'"),
        ("{c: $d, d: $n}", r"unknown name '\$d'"),
        ("{classes: $n}", "is what the key `classes` of the network says"),
        ("{index: $n}", "has a meaning of its own"),
        ("{c: $n // 0}", "division by zero"),
    ],
)
def test_values_of_a_network_that_are_refused(lets: str, message: str, write: Write) -> None:
    rows = "stages:\n  - conv: {channels: 8 * $n, kernel: 3}\n"
    rows += "  - conv: {channels: $c, kernel: 3}\n" if "{c:" in lets else ""
    with pytest.raises(SpecError, match=message) as caught:
        layers(write(f"parameters: {{n: 2}}\nlet: {lets}\n" + rows))
    assert all(one.location and "let:" in one.location.text for one in caught.value.diagnostics)


LISTS = """
blocks:
  list:
    parameters: {n: {}, kind: {type: str, default: relu}}
    let: {wide: $n * $in_channels}
    inline:
      - {name: c, conv: {channels: $wide, kernel: 1}}
      - activation: {kind: $kind}
      - name: g
        group:
          - add: [[], [{conv: {channels: $wide, kernel: 3}}, {norm: {}}]]
          - multiply: [[], [{depthwise_conv: {kernel: 3, multiplier: $n // $n}}]]
      - add: [[], [{norm: {}}, {conv: {channels: $in_channels * $n, kernel: 1}}]]
"""
CALLED = """
  a:
    parameters: {n: {}}
    body:
      - {name: first, conv: {channels: $n + $in_channels, kernel: 3}}
      - {block: list, n: $n - 1, kind: silu}
"""
WRITTEN = """
  a:
    parameters: {n: {}}
    let: {before: $n + $in_channels, wide: ($n - 1) * $before}
    body:
      - {name: first, conv: {channels: $n + $in_channels, kernel: 3}}
      - {name: c, conv: {channels: $wide, kernel: 1}}
      - activation: {kind: silu}
      - name: g
        group:
          - add: [[], [{conv: {channels: $wide, kernel: 3}}, {norm: {}}]]
          - multiply: [[], [{depthwise_conv: {kernel: 3}}]]
      - add: [[], [{norm: {}}, {conv: {channels: $wide, kernel: 1}}]]
"""


def test_a_list_of_steps_is_written_out(write: Write) -> None:
    """What enters it is what enters its first step, and a join in it has an input of its own."""
    stages = "stages:\n  - {name: s, block: a, n: 3}\n  - {name: t, block: a, n: 2}\n"
    same(write, LISTS + CALLED + stages, "blocks:" + WRITTEN + stages)
    for backend in backend_names():
        assert "list" not in open_spec(write(LISTS + CALLED + stages)).text().split("block a")[1]
        assert "class List" not in open_spec(write(LISTS + CALLED + stages)).source(backend)


def test_a_list_of_steps_of_the_network(write: Write) -> None:
    short = LISTS.replace(
        "\n      - add: [[], [{norm: {}}, {conv: {channels: $in_channels * $n, kernel: 1}}]]", ""
    )
    conv = "{name: first, conv: {channels: 4, kernel: 3}}"
    found = layers(
        write(short + f"stages:\n  - {conv}\n  - {{block: list, n: 2, when: $classes > 2}}\n")
    )
    assert [".".join(path) for path, *_ in found][:3] == ["first", "c", "relu"]


@pytest.mark.parametrize(
    ("steps", "call", "message"),
    [
        ("[{conv: {channels: $n, kernel: 1}}]", "block: list", r"ask for '\$n', which the block"),
        (
            "[{add: [[], [{norm: {}}]]}]",
            "block: list, when: $n > 2",
            "a `from` or a `reuse` is among",
        ),
        ("[{layer_scale: {}}]", "block: list, when: $n > 2", "a layer scale is among them"),
        ("[{norm: {}, name: first}]", "block: list", "the name 'first' stands twice"),
        ("[{block: list}]", "block: list", "blocks call each other in a circle: list -> list"),
        ("[{norm: {}}]", "block: list, name: x", "it has no name and is not repeated"),
        ("[{norm: {}}]", "block: list, repeat: 2, name: x", "it has no name and is not repeated"),
    ],
)
def test_lists_of_steps_that_are_refused(steps: str, call: str, message: str, write: Write) -> None:
    spec = f"blocks:\n  list:\n    inline: {steps}\n  a:\n    parameters: {{n: {{}}}}\n    body:\n"
    spec += "      - {name: first, conv: {channels: $n, kernel: 3}}\n"
    spec += f"      - {{{call}}}\nstages:\n  - {{name: s, block: a, n: 2}}\n"
    spec += "  - {name: t, block: a, n: 3}\n"
    with pytest.raises(SpecError, match=message) as caught:
        layers(write(spec))
    assert all(one.location for one in caught.value.diagnostics)


PAIRS = """
parameters: {long: [1, 7]}
blocks:
  unit:
    parameters:
      kernel: {type: extents, default: 3}
      stride: {type: extents, default: 1, once: true}
    body:
      - {name: c, conv: {channels: 4, kernel: $kernel, stride: $stride, padding: $kernel}}
      - name: g
        group:
          - multiply: [[{max_pool: {kernel: $kernel}}], [{avg_pool: {kernel: $kernel}}]]
  outer:
    parameters: {size: {type: extents}, n: {}}
    body:
      - {name: u, block: unit, kernel: $size, stride: [1, $n]}
      - {name: v, block: unit, kernel: [$n, 1]}
"""


def test_pairs_are_passed_on(write: Write) -> None:
    """One number is both; the first repetition alone gets what is given once."""
    rows = "stages:\n  - {name: a, block: outer, size: $long, n: 2}\n"
    rows += "  - {name: b, block: unit, kernel: [3, 1], stride: [2, 1], repeat: 2}\n"
    rows += "  - {name: c, block: unit}\n"
    found = layers(write(PAIRS + rows))
    convs = [op for path, op, *_ in found if path[-1] == "c"]
    shapes = [(op.kernel, op.stride) for op in convs]  # type: ignore[attr-defined]
    assert shapes == [
        *[((1, 7), (1, 2)), ((2, 1), (1, 1))],
        *[((3, 1), (2, 1)), ((3, 1), (1, 1)), ((3, 3), (1, 1))],
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("size: [1, 2, 3], n: 1", r"'size' is a whole number for each axis, not a list of 3"),
        ("size: [1, 2.5], n: 1", r"'size' is a whole number, not 2.5"),
        ("size: wide, n: 1", r"'wide' in an expression is not a name"),
        ("size: 1, n: [1, 2]", r"'n'"),
        ("size: 1, n: $long", "unknown name '.long'"),
        ("size: $long + 1, n: 1", "unknown name '.long'"),
    ],
)
def test_pairs_that_are_refused(call: str, message: str, write: Write) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        layers(write(PAIRS + f"stages:\n  - {{name: a, block: outer, {call}}}\n"))
    assert all(one.location for one in caught.value.diagnostics)
