"""The command `verify` and its certificate, on a network of a few pixels, with one framework."""

from __future__ import annotations

import csv
import functools
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.verify import verification as parity
from rescompile.verify.certificate import to_json
from rescompile.verify.checks import Level
from rescompile.worker.client import Worker

SECONDS = 180  # far more than anything here takes, on a machine as busy as can be
SPEC = """
rescompile: 1
name: tiny
input: {channels: 3, height: 8, width: 8}
classes: 4
stem:
  - conv: {channels: 4, kernel: 3}
    name: conv1
  - norm: {}
    name: bn1
  - activation: {}
  - dropout: {rate: 0.5}
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
    name: fc
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(SPEC, "utf-8")
    return str(path)


def needs_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch")


def verify(*arguments: str) -> Result:
    needs_torch()
    return CliRunner().invoke(main, ["verify", *arguments])


def test_one_framework_is_enough(tiny: str) -> None:
    done = verify(tiny, "-b", "torch")
    assert done.exit_code == 0, done.output
    assert "all 10 checks passed" in done.output
    assert "rate zero" in done.output


def test_disagreement_is_exit_code_1_and_located(tiny: str) -> None:
    done = verify(tiny, "-b", "torch", "--tolerance", "1e-30", "--level", "forward")
    assert done.exit_code == 1
    assert "torch differs from the reference" in done.output
    assert "first layer that differs: conv1" in done.output


def test_a_certificate_says_everything_and_the_same_each_time(tiny: str) -> None:
    first, second = (verify(tiny, "-b", "torch", "--format", "json").stdout for _ in range(2))
    assert first == second
    made = json.loads(first)
    assert made["agrees"] is True
    assert made["sha256"].keys() == {"spec", "network", "torch source, 8 x 8"}
    assert {"torch", "reference"} == made["versions"].keys()
    assert made["settings"]["sgd"]["steps"] == 10
    assert all(check["passed"] for check in made["checks"])
    assert sum(check["judged"] for check in made["checks"]) == 10
    assert not platform.node() or platform.node() not in first


def test_the_checks_are_a_table_in_every_format(tiny: str, tmp_path: Path) -> None:
    target = tmp_path / "checks.csv"
    words = (tiny, tiny, "-b", "torch", "--level", "forward")
    assert verify(*words, "-o", str(target)).exit_code == 0
    rows = list(csv.DictReader(target.open(encoding="utf-8")))
    assert {row["network"] for row in rows} == {"tiny"}
    assert all(float(row["torch"]) < 1e-4 for row in rows)
    assert list(rows[0])[-2:] == ["limit", "where"]
    assert all(float(row["torch"]) <= float(row["limit"]) for row in rows if row["limit"])
    done = CliRunner(env={"COLUMNS": "40"}).invoke(main, ["verify", *words])
    table = done.output.splitlines()
    assert max(map(len, table)) <= 40
    assert "no room for" in done.output
    assert done.output.rstrip().endswith("checks passed")
    done = verify(*words, "--columns", "check,troch")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "did you mean 'torch'?" in done.stderr


def test_another_size_is_compiled_and_said(tiny: str) -> None:
    done = verify(tiny, "-b", "torch", "--size", "12", "--level", "forward", "--format", "markdown")
    assert done.exit_code == 0
    assert "12 x 12" in done.output
    assert "--size" in done.output


def test_a_size_that_does_not_fit_is_refused_at_the_line() -> None:
    done = verify("alexnet", "-b", "torch", "--size", "8")
    assert done.exit_code == 1
    assert "error[E201]" in done.output


@pytest.mark.parametrize(
    ("backend", "said"),
    [("torhc", "did you mean 'torch'?"), ("torch:fast", "no engines"), ("keras:jaxx", "jax")],
)
def test_a_wrong_backend_is_exit_code_2(tiny: str, backend: str, said: str) -> None:
    done = verify(tiny, "-b", backend)
    assert done.exit_code == 2
    assert said in done.output


def test_a_missing_framework_is_named(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = tmp_path / "keras.py"
    hidden.write_text("raise ModuleNotFoundError('gone', name='keras')\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    done = verify(tiny, "--level", "forward")
    assert done.exit_code == 0, done.output
    assert "keras is not installed" in done.stderr
    asked = verify(tiny, "--level", "forward", "-b", "keras")
    assert asked.exit_code == 1
    assert "error[E004]: keras is not installed" in asked.stderr
    assert "Traceback" not in asked.output


def test_a_framework_that_does_not_start_is_an_error(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike a missing one it may not be passed over: who installed it wants it verified."""
    broken = tmp_path / "keras.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    for text, said in (
        ("raise ImportError('libfast.so: cannot open')", "ImportError: libfast.so: cannot open"),
        ("import os; os._exit(7)", "the process ended with exit code 7"),
    ):
        broken.write_text(text, "utf-8")
        done = verify(tiny, "--level", "forward")
        assert done.exit_code == 1
        assert "error[E004]: the framework of the keras backend does not start" in done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.output


def test_a_folder_stands_for_its_networks_and_one_start_serves_all(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.yaml").write_text(SPEC.replace("name: tiny", "name: other"), "utf-8")
    started = []
    start = Worker.start
    monkeypatch.setattr(Worker, "start", lambda self: started.append(self.label) or start(self))
    done = verify(str(tmp_path), "-b", "torch", "--level", "forward", "--format", "json")
    assert done.exit_code == 0, done.output
    assert [made["network"] for made in json.loads(done.stdout)] == ["other", "tiny"]
    assert started == ["torch"]


FAULTS = {
    "a name that is none": ("num_classes)", "classes)", "NameError: name 'classes' is not defined"),
    "no Python": ("from torch import", "'\\N x'\nfrom torch import", "SyntaxError"),
    "shapes that do not fit": ("self.relu(self.bn1(", "self.bn1(self.conv1(", "RuntimeError"),
    "another shape": ("return self.fc(x)", "return self.fc(x)[:, :2]", "2 x 2, not 2 x 4"),
    "a number a sample": ("return self.fc(x)", "return self.fc(x)[:, 0]", "output 0 is 2, not 2"),
    "no batch": ("return self.fc(x)", "return self.fc(x).sum()", "output 0 is"),
    "no tensor": ("return self.fc(x)", "return 1", "AttributeError"),
    "an exit": ("return self.fc(x)", "raise SystemExit(3)", "SystemExit: 3"),
    "a crash": ("return self.fc(x)", "__import__('os')._exit(3)", "exit code 3"),
    "text of many lines": ("return self.fc(x)", "raise ValueError('a|b\\n' * 999)", "a|b a|b"),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    needs_torch()
    with Worker("torch") as made:
        yield made


def broken(spec: str, fault: str) -> dict[str, str]:
    """What the emitter would write with a fault."""
    old, new, _ = FAULTS[fault]
    emitted = open_spec(spec).source("torch")
    assert old in emitted
    return {"torch": emitted.replace(old, new)}


# A process that dies is started again for each check, which takes long where training is verified.
FAILING = [
    pytest.param(
        fault, level, marks=pytest.mark.slow if (fault, level) == ("a crash", Level.TRAIN) else ()
    )
    for fault in FAULTS
    for level in Level
]


@pytest.mark.parametrize(("fault", "level"), FAILING)
def test_emitted_code_that_fails_is_a_failed_check(
    tiny: str, fault: str, level: Level, worker: Worker
) -> None:
    made = parity.verify(tiny, [worker], parity.Options(level, sources=broken(tiny, fault)))
    assert not made.good
    (finding,) = made.findings
    assert finding.label == "torch"
    texts = made.text(), made.markdown().replace("\\|", "|"), json.loads(to_json([made]))
    assert all(FAULTS[fault][2] in str(text) for text in texts), texts
    lines = [line for text in texts[:2] for line in str(text).splitlines()]
    assert max(map(len, lines)) < 420


def test_a_process_that_died_is_started_again(tiny: str, worker: Worker) -> None:
    sources = broken(tiny, "a crash")
    assert not parity.verify(tiny, [worker], parity.Options(Level.FORWARD, sources=sources)).good
    assert parity.verify(tiny, [worker], parity.Options(Level.FORWARD)).good


def test_a_message_does_not_break_a_table(tiny: str, worker: Worker) -> None:
    options = parity.Options(Level.FORWARD, sources=broken(tiny, "text of many lines"))
    rows = [line for line in parity.verify(tiny, [worker], options).markdown().splitlines() if line]
    cells = [line.replace("\\|", "").count("|") for line in rows if line.startswith("|")]
    assert len(set(cells)) == 1


def test_emitted_code_that_fails_is_exit_code_1(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not a traceback."""
    sources = broken(tiny, "shapes that do not fit")
    monkeypatch.setattr(parity, "Options", functools.partial(parity.Options, sources=sources))
    done = verify(tiny, "-b", "torch", "--level", "forward")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "torch failed: RuntimeError" in done.stdout
    assert "(line " in done.stdout
    assert not done.stderr


def wait_for(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, f"never: {what}"
        time.sleep(0.05)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_at_once(number: signal.Signals, tmp_path: Path) -> None:
    """With a framework at work, one that tells when it is, and never comes to an end."""
    busy = tmp_path / "busy"
    (tmp_path / "torch.py").write_text(f"open({str(busy)!r}, 'w').close()\nwhile True: pass\n")
    path = os.pathsep.join([str(tmp_path), *(p for p in sys.path if p)])
    process = subprocess.Popen(
        [sys.executable, "-m", "rescompile", "verify", "resnet34", "-b", "torch"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        wait_for(busy.exists, "the framework is at work")
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=SECONDS)
        assert process.returncode == (1 if number == signal.SIGINT else 128 + number)
        assert "Traceback" not in said
        wait_for(lambda: not alive(process.pid), "all processes have ended")
    finally:
        if alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def test_modules_of_the_working_directory_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder from elsewhere may hold a spec and a numpy.py."""
    needs_torch()
    monkeypatch.chdir(tmp_path)
    for name in ("numpy", "keras", "torch"):
        Path(f"{name}.py").write_text("open('ran', 'w')", encoding="utf-8")
    with Worker("torch") as worker:
        worker.versions()
    assert not Path("ran").exists()


def test_a_changed_network_is_the_one_that_is_verified(tiny: str) -> None:
    needs_torch()
    words = ("--backend", "torch", "--classes", "7", "--set", "stem.conv1.conv.channels=6")
    done = verify(tiny, *words, "--format", "json")
    assert done.exit_code == 0, done.output
    certificate = json.loads(done.stdout)
    assert certificate["agrees"] is True
    assert "with classes=7, stem.conv1.conv.channels=6" in certificate["spec"]
