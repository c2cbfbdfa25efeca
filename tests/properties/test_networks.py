"""Random networks: every backend agrees with the reference, and counts agree with the frameworks.

`make fuzz` runs many more of them. What once failed is kept as a small spec in tests/regressions,
and goes through the same checks.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from rescompile.compiler import Architecture, open_spec
from rescompile.errors import UnsupportedError
from rescompile.parity.compare import relative_error
from rescompile.parity.process import Worker
from rescompile.parity.reference import run
from rescompile.parity.weights import random_weights
from rescompile.registry import backend_names, get_backend

from .networks import networks

ROOT = Path(__file__).parents[2]
REGRESSIONS = sorted((ROOT / "tests/regressions").glob("*.yaml"))
FLOAT64 = 1e-10
FUZZING = "RESCOMPILE_FUZZ" in os.environ
BACKENDS = os.environ.get("RESCOMPILE_BACKENDS", "").split()  # keras:jax, say; all if not given
EXAMPLES = int(os.environ.get("RESCOMPILE_FUZZ", "60"))


def installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


class Counter:
    """PyTorch's own counts of an emitted file, from a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "count_torch.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, path: Path, name: str, shape: tuple[int, ...]) -> dict[str, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(path), name, shape]) + "\n")
        self.process.stdin.flush()
        answer: dict[str, int] = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Bench:
    """The frameworks' processes and a folder; a network is put through every check."""

    def __init__(self, stack: ExitStack) -> None:
        found = [name for name in backend_names() if installed(*get_backend(name).requires)]
        names = BACKENDS or found
        self.workers = {name: stack.enter_context(Worker(name)) for name in names}
        self.counter = Counter() if installed("torch") else None
        if self.counter is not None:
            stack.callback(self.counter.close)
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.numbers = itertools.count()

    def write(self, spec: dict[str, Any]) -> Path:
        """The spec in a file of its own, beside its base."""
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        base = spec.get("base")
        if base is not None:
            (folder / "base.yaml").write_text(yaml.safe_dump(base, sort_keys=False), "utf-8")
        rest = {key: value for key, value in spec.items() if key != "base"}
        path = folder / "net.yaml"
        path.write_text(yaml.safe_dump(rest, sort_keys=False), "utf-8")
        return path

    def check(self, path: Path) -> None:
        net = open_spec(path)
        self.check_sources(net)
        self.check_round_trip(net)
        self.check_outputs(net, path)

    def check_sources(self, net: Architecture) -> None:
        """The files parse, ruff has nothing to change, and PyTorch counts what we count."""
        folder = self.folder / f"emitted{next(self.numbers)}"
        for backend in backend_names():
            try:
                source = net.source(backend)
            except UnsupportedError:
                continue
            ast.parse(source)
            path = folder / backend / f"{net.name}.py"
            path.parent.mkdir(parents=True)
            path.write_text(source, "utf-8")
            if backend == "torch" and self.counter is not None:
                found = self.counter.ask(path, net.name, net.facts.network.input)
                total = net.report("network").total
                assert found == {"parameters": total.parameters, "macs": total.macs}
        ruff = [sys.executable, "-m", "ruff"]
        config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
        for command in (["format", "--check", "--diff"], ["check", "--ignore", "RUF"]):
            done = subprocess.run(
                [*ruff, *command, *config, str(folder)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(folder)

    def check_round_trip(self, net: Architecture) -> None:
        """`show --resolved` prints a spec of the same network."""
        folder = self.folder / f"resolved{next(self.numbers)}"
        folder.mkdir()
        path = folder / "net.yaml"
        path.write_text(net.resolved(), "utf-8")
        again = open_spec(path)
        assert replace(again.facts.network, spec=net.facts.network.spec) == net.facts.network
        assert again.text() == net.text()

    def check_outputs(self, net: Architecture, path: Path) -> None:
        """Every backend gives the reference's outputs, in float64."""
        shape = net.facts.network.input
        images = np.random.default_rng(7).standard_normal((2, *shape))
        elaborated = net.facts.elaborated
        wanted = run(elaborated, random_weights(elaborated, 3), images).outputs
        for name, worker in self.workers.items():
            if get_backend(name.partition(":")[0]).unsupported(net.facts):
                continue
            got = worker.run(path, images, weights=3, dtype="float64")
            assert len(got) == len(wanted)
            for ours, theirs in zip(got, wanted, strict=True):
                assert relative_error(ours, theirs) < FLOAT64, name


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not FUZZING,
    phases=[Phase.generate, Phase.shrink] if FUZZING else [Phase.generate],  # shrinking takes long
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(spec=networks())
def test_a_random_network_is_the_same_everywhere(bench: Bench, spec: dict[str, Any]) -> None:
    bench.check(bench.write(spec))


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds(bench: Bench, path: Path) -> None:
    bench.check(path)
