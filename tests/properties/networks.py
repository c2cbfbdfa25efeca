"""A hypothesis strategy for random valid networks, with everything that the language has.

Shapes are followed while a network is drawn, by rules written down here a second time, so that
what is drawn is valid by construction: a spec that the compiler refuses is a fault in one of them.
Maps are small and seldom square, channels are even, so that mistakes of layout show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from .blocks import BLOCKS, Arguments, BlockKind

T = TypeVar("T")
Shape = tuple[int, int, int]
Step = dict[str, Any]
ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "sigmoid", "hard_sigmoid", "tanh", "silu", "hard_swish"),
    *("gelu", "elu", "softmax", "none"),
)
MAX_CHANNELS = 24
MAX_EXTENT = 24


def extent(n: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    return (n + pad - dilation * (kernel - 1) - 1) // stride + 1


def pooled(n: int, kernel: int, stride: int, pad: int, ceil: bool) -> int:
    if not ceil:
        return extent(n, kernel, stride, 2 * pad)
    windows = -(-(n + 2 * pad - kernel) // stride) + 1
    return windows - ((windows - 1) * stride >= n + pad)


@dataclass
class Maker:
    """Draws steps; `blocks` are the definitions that the network may call."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    blocks: dict[str, BlockKind] = field(default_factory=dict)
    names: int = 0
    marks: list[tuple[str, Shape]] = field(default_factory=list)  # steps that later ones go back to

    def pick(self, values: Iterable[T]) -> T:
        chosen: T = self.draw(st.sampled_from(list(values)))
        return chosen

    def maybe(self) -> bool:
        return bool(self.draw(st.booleans()))

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    # Sequences of steps.

    def steps(self, x: Shape, depth: int, least: int = 1) -> tuple[list[Step], Shape]:
        """One to three steps of any kind."""
        made: list[Step] = []
        for _ in range(self.draw(st.integers(least, 3))):
            kinds = [self.conv, self.depthwise, self.elementwise, self.pool, self.channels]
            kinds += [self.conv_transpose, self.positions]
            if depth > 0:
                kinds += [
                    self.group,
                    self.join,
                    self.split,
                    self.split,
                    self.residual,
                    self.call,
                    self.call,
                ]
            step, x = self.pick(kinds)(x, depth - 1)
            made.append(step)
        return made, x

    def keeping(self, x: Shape, channels: int | None = None) -> tuple[list[Step], int]:
        """Steps that keep the map; with `channels`, they end in so many."""
        made = [self.elementwise(x, 0)[0] for _ in range(self.draw(st.integers(0, 2)))]
        out = channels or self.some_channels()
        made.append({"conv": {"channels": out, "kernel": self.pick([1, 3, [3, 1]])}})
        if self.maybe():
            made.append({"norm": {}})
        return made, out

    def some_channels(self) -> int:
        return int(self.pick([4, 6, 8, 12]))

    # Single steps: each takes a shape and gives a step and the shape that leaves it.

    def conv(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        out = self.some_channels()
        kernel = [self.pick([1, 2, 3, 5]), self.pick([1, 3])]
        stride = [self.pick([1, 1, 2, 3]), self.pick([1, 1, 2])]
        dilation = [1, 1]
        if stride == [1, 1] and self.maybe():
            dilation = [self.pick([1, 2]), self.pick([1, 2])]
        padding, sides = self.padding(kernel, dilation)
        h, w = x[1], x[2]
        if padding == "same":
            size = (-(-h // stride[0]), -(-w // stride[1]))
        else:
            size = (
                extent(h, kernel[0], stride[0], sides[0] + sides[1], dilation[0]),
                extent(w, kernel[1], stride[1], sides[2] + sides[3], dilation[1]),
            )
        if min(size) < 1:
            return self.elementwise(x, depth)
        groups = self.pick([n for n in (1, 1, 2, 4) if x[0] % n == 0 and out % n == 0])
        given: Step = {"channels": out, "kernel": kernel, "stride": stride}
        given |= {"dilation": dilation} if dilation != [1, 1] else {}
        given |= {"padding": padding} if padding is not None else {}
        given |= {"groups": groups} if groups > 1 else {}
        given |= {"bias": True} if self.maybe() else {}
        return {"conv": given}, (out, *size)

    def padding(self, kernel: list[int], dilation: list[int]) -> tuple[Any, tuple[int, ...]]:
        """What the spec says, and its pixels: top, bottom, left, right."""
        half = [(k - 1) // 2 * d for k, d in zip(kernel, dilation, strict=True)]
        return self.pick(
            [
                (None, (half[0], half[0], half[1], half[1])),
                (0, (0, 0, 0, 0)),
                (1, (1, 1, 1, 1)),
                ([0, 2], (0, 0, 2, 2)),
                ([0, 1, 2, 0], (0, 1, 2, 0)),
                ("same", (0, 0, 0, 0)),
            ]
        )

    def depthwise(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        multiplier, stride = self.pick([1, 1, 2]), self.pick([1, 2])
        if x[0] * multiplier > MAX_CHANNELS:
            multiplier = 1
        given: Step = {"kernel": 3, "stride": stride}
        given |= {"multiplier": multiplier} if multiplier > 1 else {}
        size = (extent(x[1], 3, stride, 2), extent(x[2], 3, stride, 2))
        return {"depthwise_conv": given}, (x[0] * multiplier, *size)

    def elementwise(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        groups = self.pick([n for n in (1, 2) if x[0] % n == 0])
        steps: list[Step] = [
            {"norm": {}},
            {"norm": {"epsilon": 1e-3, "momentum": 0.25}},
            {"norm": {"kind": "layer"}},
            {"norm": {"kind": "group", "groups": groups}},
            {"activation": {}},
            {"activation": {"kind": self.pick(ACTIVATIONS)}},
            {"activation": {"kind": "leaky_relu", "slope": 0.2}},
            {"dropout": {"rate": 0.3}},
            {"stochastic_depth": {"rate": 0.2}},
            {"channel_shuffle": {"groups": groups}},
        ]
        return self.pick(steps), x

    def pool(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        kernel, stride = self.pick([2, 3]), self.pick([1, 2, 3])
        padding, ceil = self.pick([0, 1]), self.maybe()
        size = tuple(pooled(n, kernel, stride, padding, ceil) for n in x[1:])
        if min(size) < 1 or min(x[1:]) + 2 * padding < kernel:
            return self.elementwise(x, depth)
        given: Step = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        word = self.pick(["max_pool", "avg_pool"])
        if word == "avg_pool":
            given["count_include_pad"] = self.maybe()
        return {word: given}, (x[0], *size)  # type: ignore[return-value]

    def channels(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        c, h, w = x
        kinds = ["slice", "pad", "upsample"]
        kind = self.pick(kinds)
        if kind == "slice" and c > 4:
            return {"slice_channels": {"start": 2, "stop": c}}, (c - 2, h, w)
        if kind == "pad" and c + 4 <= MAX_CHANNELS:
            return {"pad_channels": {"before": 1, "after": 3}}, (c + 4, h, w)
        if kind == "upsample" and 2 * max(h, w) <= MAX_EXTENT:
            mode = self.pick(["nearest", "bilinear"])
            return {"upsample": {"scale": 2, "mode": mode}}, (c, 2 * h, 2 * w)
        return self.conv(x, depth)

    def conv_transpose(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        """In groups never: Keras has none."""
        out, kernel = self.some_channels(), [self.pick([2, 3]), self.pick([2, 3, 4])]
        stride, padding = [self.pick([1, 2]), self.pick([2, 3])], [self.pick([0, 1]), 0]
        beyond = [0, self.pick([0, 1])]
        terms = zip(x[1:], kernel, stride, padding, beyond, strict=True)
        size = tuple((n - 1) * s - 2 * p + k + o for n, k, s, p, o in terms)
        if min(size) < 1 or max(size) > MAX_EXTENT:
            return self.conv(x, depth)
        given: Step = {"channels": out, "kernel": kernel, "stride": stride, "padding": padding}
        given |= {"output_padding": beyond} if beyond != [0, 0] else {}
        given |= {"bias": True} if self.maybe() else {}
        return {"conv_transpose": given}, (out, *size)  # type: ignore[return-value]

    def positions(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        out = self.some_channels()
        inner: list[Step] = [
            {"norm": {"kind": "layer"}},
            {"linear": {"features": out, "bias": self.maybe()}},
            {"activation": {"kind": self.pick(["relu", "gelu", "hard_swish"])}},
        ]
        return {"positions": inner[self.pick([0, 1]) :]}, (out, *x[1:])

    def split(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        """Branches of half of the channels each; the first of them may pass by."""
        if x[0] % 2:
            return self.conv(x, depth)
        word = self.pick(["concat", "add", "multiply"])
        share = (x[0] // 2, *x[1:])
        first = [] if self.maybe() else self.keeping(share, share[0])[0]
        step: Step = {word: [first, self.keeping(share, share[0])[0]], "split": True}
        return step, x if word == "concat" else share

    def back(self, x: Shape) -> tuple[list[Step], Shape]:
        """A join with the value of an earlier step of the network, one of equal size."""
        fitting = [(name, y) for name, y in self.marks if y[1:] == x[1:]]
        if not fitting:
            return [], x
        name, y = self.pick(fitting)
        return [{"concat": [[], [{"from": name}]]}], (x[0] + y[0], *x[1:])

    def group(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        inner, y = self.steps(x, depth)
        step: Step = {"group": inner}
        if self.maybe():
            step["name"] = self.name("part")
        return step, y

    def join(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        c, h, w = x
        word = self.pick(["add", "concat", "multiply", "gate"])
        if word == "gate":
            gate, _ = self.keeping((c, 1, 1), c)
            gate = [{"global_avg_pool": {"keepdims": True}}, *gate]
            return {"multiply": [[], [*gate, {"activation": {"kind": "sigmoid"}}]]}, x
        count = self.draw(st.integers(2, 3))
        out = c if word != "concat" and self.maybe() else self.some_channels()
        branches: list[list[Step]] = []
        total = 0
        for _ in range(count):
            if depth > 0 and self.maybe():  # branches in branches
                inner, y = self.join(x, depth - 1)
                after, width = self.keeping(y, None if word == "concat" else out)
                steps = [inner, *after]
            else:
                steps, width = self.keeping(x, None if word == "concat" else out)
            branches.append(steps)
            total += width
        if out == c and word != "concat" and self.maybe():
            branches[0] = []
        given: Any = branches
        if self.maybe():
            given = {self.name("branch"): steps for steps in branches}
        return {word: given}, (total if word == "concat" else out, h, w)

    def residual(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        c, h, w = x
        stride, out = self.pick([1, 1, 2]), max(c, self.some_channels())
        y = (out, extent(h, 3, stride, 2), extent(w, 3, stride, 2))
        branch: list[Step] = [
            {"conv": {"channels": out, "kernel": 3, "stride": stride}},
            {"norm": {}},
            {"activation": {}},
            *self.keeping(y, out)[0],
        ]
        kinds: list[Any] = ["none", "pad", "projection", "projection_always", "avg_projection"]
        kinds += [{"kind": "projection", "norm": False}, {"kind": "pad", "pad": "after"}]
        kinds += [[{"conv": {"channels": out, "kernel": 1, "stride": stride}}]]
        if x == y:
            kinds += ["identity", "identity"]
        given: Step = {"branch": branch, "shortcut": self.pick(kinds)}
        if self.maybe():
            given["drop"] = 0.2
        if self.maybe():
            given["preactivation"] = [{"norm": {}}, {"activation": {}}]
            given["tap"] = self.pick(["input", "preactivation"])
        return {"residual": given}, y

    def call(self, x: Shape, depth: int) -> tuple[Step, Shape]:
        name = self.pick(BLOCKS)
        kind = self.blocks.setdefault(name, BLOCKS[name])
        channels, stride = self.some_channels(), self.pick([1, 2])
        given: Arguments = {"channels": channels, "stride": stride}
        for key, values in kind.options.items():
            if self.maybe():
                given[key] = self.pick(values)
        repeat = self.pick([None, 1, 2, 3])
        y = x
        for i in range(repeat or 1):
            own = given if i == 0 else {**given, "stride": 1}
            y = kind.output({**kind.defaults, **own}, y)
        if y[0] > 4 * MAX_CHANNELS or min(y[1:]) < 1:
            return self.conv(x, depth)
        step: Step = {"block": name, **given, "name": self.name("unit")}
        if repeat is not None:
            step["repeat"] = repeat
            if self.maybe():
                step["children"] = self.pick(["layer{n}", "block-{i}"])
        return step, y


@st.composite
def networks(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
    """A spec as data; under "base", where it is there, the one that it extends."""
    maker = Maker(draw)
    shape = (maker.pick([1, 3, 4]), draw(st.integers(7, 13)), draw(st.integers(7, 13)))
    x: Shape = shape
    stem, x = maker.steps(x, 0)
    stages: list[Step] = []
    for i in range(draw(st.integers(1, 3))):
        step, x = maker.pick([maker.group, maker.call, maker.join, maker.residual])(x, 2)
        if maker.pick([True, False]) or "block" in step:
            step["name"] = f"stage{i}"
            stages.append(step)
        else:
            stages.append({"name": f"stage{i}", "group": [step]})
        if "residual" not in stages[-1]:  # whose name is its shortcut's
            maker.marks.append((f"stage{i}", x))
        again, x = maker.back(x) if maker.maybe() else ([], x)
        stages.extend(again)
    head: list[Step] = [maker.pick([{"global_avg_pool": {}}, {"flatten": {}}])]
    head.append({"linear": {"features": "$classes"}})
    spec: dict[str, Any] = {
        "rescompile": 1,
        "name": "net",
        "input": dict(zip(("channels", "height", "width"), shape, strict=True)),
        "classes": draw(st.integers(2, 5)),
        "shortcut": maker.pick(["none", "pad", "projection", "projection_always"]),
        "defaults": {
            "bias": maker.maybe(),
            "norm": maker.pick([{}, {"epsilon": 1e-4}, {"kind": "layer"}, {"kind": "none"}]),
            "activation": {"kind": maker.pick(ACTIVATIONS)},
        },
        "stem": stem,
        "stages": stages,
        "head": head,
    }
    if maker.blocks:
        spec["blocks"] = {name: kind.definition for name, kind in maker.blocks.items()}
    if maker.maybe():
        return {"base": spec, **extension(maker)}
    named = [step["name"] for step in stages if "block" in step or "group" in step]
    if named and named[-1] == stages[-1].get("name") and maker.maybe():
        del spec["head"]
        spec["outputs"] = named
    return spec


def extension(maker: Maker) -> dict[str, Any]:
    """A spec that says a few things anew."""
    made: dict[str, Any] = {"rescompile": 1, "extends": "base", "name": "net", "classes": 7}
    if maker.maybe():
        made["defaults"] = {"activation": {"kind": maker.pick(ACTIVATIONS)}}
    if maker.maybe():
        made["head"] = [{"global_avg_pool": {}}, {"linear": {"features": 3, "bias": False}}]
    return made
