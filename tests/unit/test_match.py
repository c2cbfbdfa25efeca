"""Matching the tensors of a file with those of a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.fitting import Fitting
from rescompile.convert.match import Match, match
from rescompile.convert.names import fold_names
from rescompile.emit.weights import Slot, Stored, leaf_of, state_slots

SHAPES: dict[str, tuple[int, ...]] = {
    "conv1.weight": (4, 3, 3, 3),
    "bn1.weight": (4,),
    "bn1.bias": (4,),
    "conv2.weight": (4, 3, 3, 3),
    "bn2.weight": (4,),
    "bn2.bias": (4,),
    "fc.weight": (2, 4),
}
SLOTS = [Slot(tuple(n.split(".")), n, leaf_of(n), shape) for n, shape in SHAPES.items()]


def stored(names: dict[str, tuple[int, ...]], dtype: str = "f4") -> list[Stored]:
    return [
        Stored.of(name, leaf_of(name), np.full(shape, i, dtype))
        for i, (name, shape) in enumerate(names.items())
    ]


def values(made: Match) -> list[Any]:
    """What each slot got, by the number of the tensor in the file."""
    assert not made.problems
    return [made.weights[slot.path].flat[0] for slot in SLOTS]


def codes(made: Match) -> list[str]:
    return [problem.code for problem in made.problems]


def test_names_decide_whatever_the_order() -> None:
    turned = dict(reversed(SHAPES.items()))
    made = match(SLOTS, stored(turned), ordered=False)
    assert values(made) == [6, 5, 4, 3, 2, 1, 0]
    assert not made.by_order


@pytest.mark.parametrize("old", ["net.", "net"])
def test_a_prefix_is_renamed(old: str) -> None:
    new = "" if old.endswith(".") else "x"
    renames = [(old, new)] if not new else [("net", "x"), ("x.", "")]
    made = match(
        SLOTS, stored({f"net.{n}": s for n, s in SHAPES.items()}), Fitting(renames), ordered=False
    )
    assert values(made) == [0, 1, 2, 3, 4, 5, 6]
    assert not made.by_order


def test_a_prefix_may_end_in_an_underscore() -> None:
    names = {f"net_{n}": s for n, s in SHAPES.items()}
    assert values(match(SLOTS, stored(names), Fitting([("net_", "")]), ordered=False)) == [
        *range(7)
    ]


def test_a_rename_takes_whole_parts_of_names() -> None:
    names = {n.replace("conv1", "conv10"): s for n, s in SHAPES.items()}
    made = match(SLOTS, stored(names), Fitting([("conv1", "other")]), ordered=True)
    assert codes(made) == ["E304"]
    assert "renames nothing" in made.problems[0].message


def test_two_tensors_of_one_name_are_an_error() -> None:
    made = match(SLOTS, stored(SHAPES), Fitting([("conv1", "conv2")]), ordered=True)
    assert codes(made) == ["E304"]


def test_what_is_left_is_matched_by_order_and_told() -> None:
    names = {n.replace("conv", "c").replace("bn", "norm"): s for n, s in SHAPES.items()}
    made = match(SLOTS, stored(names), ordered=True)
    assert values(made) == [0, 1, 2, 3, 4, 5, 6]
    assert ("norm2.bias", "bn2.bias") in made.by_order
    assert all(old != new for old, new in made.by_order)


def test_kinds_keep_scales_from_shifts() -> None:
    """In a file with all shifts before all scales, of one shape."""
    order = ["a.bias", "b.bias", "a.weight", "b.weight"]
    slots = [SLOTS[1], SLOTS[2], SLOTS[4], SLOTS[5]]
    made = match(slots, stored(dict.fromkeys(order, (4,))), ordered=True)
    assert dict(made.by_order) == {
        "a.bias": "bn1.bias",
        "b.bias": "bn2.bias",
        "a.weight": "bn1.weight",
        "b.weight": "bn2.weight",
    }


def test_without_an_order_only_the_only_one_fits() -> None:
    names = {n.replace("fc", "head"): s for n, s in SHAPES.items()}
    assert match(SLOTS, stored(names), ordered=False).by_order == [("head.weight", "fc.weight")]
    names = {n.replace("conv", "c"): s for n, s in SHAPES.items()}
    made = match(SLOTS, stored(names), ordered=False)
    assert codes(made) == ["E305", "E306"]
    assert "keeps no order" in made.problems[0].help


def test_a_tensor_left_over_in_the_file_is_named() -> None:
    made = match(SLOTS, stored({**SHAPES, "aux.weight": (2, 4)}), ordered=True)
    assert codes(made) == ["E305"]
    assert made.problems[0].notes == ("'aux.weight' 2 x 4",)


def test_a_tensor_left_over_in_the_network_is_named() -> None:
    fewer = {n: s for n, s in SHAPES.items() if n != "bn2.bias"}
    made = match(SLOTS, stored(fewer), ordered=True)
    assert codes(made) == ["E306"]
    assert made.problems[0].notes == ("'bn2.bias' 4",)


def test_as_many_but_not_the_same_is_no_match() -> None:
    """One more of a shape in the file than in the network: which is which would be a guess."""
    names = {n.replace("conv", "c"): s for n, s in SHAPES.items()}
    made = match(SLOTS, stored({**names, "c3.weight": (4, 3, 3, 3)}), ordered=True)
    assert codes(made) == ["E305", "E306"]
    assert len(made.problems[0].notes) == 3


def test_another_shape_under_the_name_is_an_error() -> None:
    made = match(SLOTS, stored({**SHAPES, "fc.weight": (3, 4)}), ordered=True)
    assert codes(made) == ["E303"]
    assert made.problems[0].notes == ("'fc.weight' is 3 x 4, not 2 x 4",)


def test_quantised_weights_are_an_error() -> None:
    made = match(SLOTS, stored(SHAPES, "i1"), ordered=True)
    assert codes(made) == ["E303"]
    assert "int8" in made.problems[0].notes[0]


def test_counters_may_be_missing_and_are_kept() -> None:
    slots = state_slots(open_spec("resnet20_cifar").analysis)
    counters = [slot for slot in slots if slot.optional]
    assert len(counters) == 19  # a norm after each of the 19 convolutions
    given = {slot.name: slot.shape for slot in slots if not slot.optional}
    made = match(slots, stored(given), ordered=True)
    assert not made.problems
    assert len(made.weights) == len(given)
    one = Stored.of(counters[0].name, counters[0].kind, np.array(7))
    assert match(slots, [*stored(given), one], ordered=True).weights[counters[0].path] == 7


def test_matched_names_are_folded_into_renames() -> None:
    pairs = [("module.a.weight", "a.weight"), ("module.a.bias", "a.bias"), ("linear.b", "fc.b")]
    assert fold_names(pairs) == ["module.=  2 tensors", "linear.=fc.  1 tensor"]
    assert fold_names([("x", "y")]) == ["x=y  1 tensor"]


def test_names_out_of_a_file_do_not_reach_the_terminal_as_they_are() -> None:
    made = match(SLOTS, stored({**SHAPES, "\x1b[2J" + "a" * 10_000: (1,)}), ordered=True)
    (note,) = made.problems[0].notes
    assert note.startswith(r"'\x1b[2Jaaa")
    assert len(note) == 200


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_values_come_in_the_byte_order_of_this_machine(order: str, dtype: str) -> None:
    made = match(SLOTS, stored(SHAPES, order + dtype), ordered=False)
    assert values(made) == [0, 1, 2, 3, 4, 5, 6]
    assert all(array.dtype == np.dtype(dtype) for array in made.weights.values())


@pytest.mark.parametrize("dtype", ["c8", "i4", "?", "U1", "V4", "longdouble"])
def test_a_type_that_not_every_format_has_is_refused(dtype: str) -> None:
    if np.dtype(dtype) == np.dtype("f8"):
        pytest.skip("long doubles are doubles here")
    made = match(SLOTS, stored(SHAPES, dtype), ordered=False)
    assert codes(made) == ["E303"]
    assert not made.weights
    assert f"'conv1.weight' is of type {np.dtype(dtype).name}" in made.problems[0].notes


def test_what_has_no_place_is_not_read() -> None:
    def read() -> Any:
        raise AssertionError

    wrong = [Stored("conv1.weight", "weight", (9,) * 9, "float32", read)]
    more = Stored("more.weight", "weight", (1 << 20, 1 << 20), "float32", read)
    rest = {name: shape for name, shape in SHAPES.items() if name != "conv1.weight"}
    made = match(SLOTS, [*wrong, *stored(rest), more], ordered=False)
    assert codes(made) == ["E305", "E303"]


def test_what_a_file_may_have_beside_is_left_out_only_where_the_network_lacks_it() -> None:
    given = stored({**SHAPES, "aux.fc.weight": (2, 4), "auxiliary.weight": (2, 4)})
    how = Fitting(ignore=["aux", "fc"])
    made = match(SLOTS, given[:-1], how)
    assert values(made) == [*range(7)]
    assert made.left_out == ["aux.fc.weight"]
    assert not made.fresh
    assert codes(match(SLOTS, given, how)) == ["E305"]


def test_no_more_is_read_than_an_image_may_have_channels() -> None:
    """A small file can unpack to any size."""

    def read() -> Any:
        raise AssertionError("it is read")

    slots = [Slot(("conv1", "weight"), "conv1.weight", "weight", (4, 1, 3, 3))]
    given = Stored("conv1.weight", "weight", (4, 1 << 30, 3, 3), "float32", read)
    how = Fitting(stem=["conv1"], adapt=True)
    assert codes(match(slots, [given], how)) == ["E303"]
    assert codes(match(slots, [replace(given, shape=(4, 0, 3, 3))], how)) == ["E303"]


def test_a_head_under_another_name_is_matched_by_order_or_starts_afresh() -> None:
    """By order there would be a match; it is told, like any other."""
    names = {n: s for n, s in SHAPES.items() if n != "fc.weight"}
    how = Fitting(head=["fc"], new_head=True)
    assert list(match(SLOTS, stored(names), how).fresh) == ["fc.weight"]
    made = match(SLOTS, stored({**names, "classifier.weight": (2, 4)}), how)
    assert made.by_order == [("classifier.weight", "fc.weight")]
    made = match(SLOTS, stored({**names, "classifier.weight": (5, 4)}), how)
    assert codes(made) == ["E305"]
    assert "`--skip NAME` leaves them out" in made.problems[0].help
