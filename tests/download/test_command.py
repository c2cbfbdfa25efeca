"""`rescompile convert SPEC:ENTRY`: fetched from a server on this machine, and converted."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.convert import convert
from rescompile.download import Settings
from rescompile.reference.weights import random_weights
from rescompile.registry import backend_names, get_backend

from .server import Server, cut, serving, stalls

NET = """\
rescompile: 1
name: tiny
input: {channels: 3, height: 8, width: 8}
classes: 10
stem:
  - conv: {channels: 8, kernel: 3}
    name: conv1
  - norm: {}
    name: bn1
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
    name: fc
"""
ENTRY = """\
weights:
  - name: V1
    url: {url}/models/tiny{suffix}
    sha256: "{sha256}"
"""
OTHERWISE = """\
    rename: {net.: ""}
    skip: [aux]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESCOMPILE_CACHE", "cache")
    for name in ("RESCOMPILE_MIRROR", "RESCOMPILE_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def weights() -> dict[str, Any]:
    drawn = random_weights(open_spec(NET).analysis.elaborated, 5)
    return {".".join(path): array.astype("f4") for path, array in drawn.items()}


@contextmanager
def publishing(file: str, net: str = NET, more: str = "") -> Iterator[Server]:
    """A server of a file, and tiny.yaml that names it."""
    with serving(Path(file).read_bytes()) as server:
        entry = ENTRY.format(
            url=server.url, suffix="".join(Path(file).suffixes), sha256=server.sha256[:8]
        )
        Path("tiny.yaml").write_text(net + entry + more, encoding="utf-8")
        yield server


@pytest.fixture
def server(folder: None) -> Iterator[Server]:
    """Of an .npz under other names, with a layer that the network has not."""
    given = {f"net.{name}": array for name, array in weights().items()}
    np.savez("tiny.npz", **given, aux=np.zeros((2, 2), "f4"))
    with publishing("tiny.npz", more=OTHERWISE) as made:
        yield made


def run(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(main, ["convert", *words])
    assert done.exit_code == code, done.output
    return done


def same(file: str, given: dict[str, Any], but: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    with np.load(file) as made:
        for name, array in given.items():
            assert (made[name].tobytes() == array.tobytes()) != (name in but), name


def test_weights_are_fetched_and_converted(server: Server) -> None:
    done = run("tiny.yaml:V1", "-o", "out.npz")
    same("out.npz", weights())
    assert done.stderr == f"fetching {server.url}/models/tiny.npz\n"
    assert "left out of the file: 1 tensor\n  aux\n" in done.stdout
    assert done.stdout.endswith("wrote out.npz: 8 tensors\n")
    again = run("tiny.yaml:v1", "-o", "out.safetensors", "--offline")
    assert again.stderr == ""
    assert len(server.asked) == 1


def test_weights_are_for_another_network_where_one_is_named(server: Server) -> None:
    """A network that extends the one that lists them, say."""
    Path("mine.yaml").write_text("rescompile: 1\nextends: tiny.yaml\nname: mine\nclasses: 4\n")
    run("tiny.yaml:V1", "--spec", "mine.yaml", "--new-head", "-o", "out.npz")
    same("out.npz", {n: a for n, a in weights().items() if not n.startswith("fc")})
    said = run("mine.yaml:V1", "-o", "other.npz", code=1).stderr
    assert "error[E106]: mine lists no weights" in said


def test_a_new_head_on_published_weights(server: Server) -> None:
    done = run("tiny.yaml:V1", "-o", "out.npz", "--classes", "4", "--channels", "1", "--new-head")
    same("out.npz", weights(), {"conv1.weight", "fc.weight", "fc.bias"})
    assert "conv1.weight: 3 input channels summed" in done.stdout


def test_python_does_the_same(server: Server) -> None:
    done = convert("tiny.yaml:V1", None, Path("out.npz"), settings=Settings(Path("elsewhere")))
    same("out.npz", weights())
    assert done.left_out == ("aux",)
    assert Path("elsewhere/weights/tiny.npz").is_file()


def test_a_mirror_is_an_option_and_a_variable(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path("tiny.yaml").read_text().replace(server.url, "https://example.org")
    Path("tiny.yaml").write_text(text)
    run("tiny.yaml:V1", "-o", "out.npz", "--mirror", f"{server.url}/m")
    monkeypatch.setenv("RESCOMPILE_CACHE", "second")
    monkeypatch.setenv("RESCOMPILE_MIRROR", f"{server.url}/n")
    run("tiny.yaml:V1", "-o", "out.npz")
    assert [path for path, _ in server.asked] == ["/m/models/tiny.npz", "/n/models/tiny.npz"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tiny.yaml:V2"], "tiny has no weights named 'V2'\n = help: did you mean 'V1'?"),
        (["tiny.yaml:"], "nothing tells whose weights 'tiny.yaml:' has"),
        (["tiny.yml:V1"], "tiny.yml"),
        (["resnet50:IMAGENET1K_V1"], "help: there are resnet50_v1_5:IMAGENET1K_V1, "),
        (["plain18:V1"], "help: `rescompile weights plain18` tells whose"),
        (["resnet34"], "help: say which of its weights: resnet34:IMAGENET1K_V1"),
        (["plain18"], "'plain18' is a network, and no file of weights"),
        (["there.pth"], "help: name its network: `--spec SPEC`"),
        (["tiny.yaml:V1", "--mirror", "http://a.org"], "the mirror 'http://a.org' is no address"),
    ],
)
def test_wrong_words_are_told_and_nothing_is_fetched(
    words: list[str], said: str, server: Server
) -> None:
    done = run(*words, "-o", "out.npz", code=1)
    assert said in done.stderr
    assert not server.asked
    assert not Path("out.npz").exists()


@pytest.mark.parametrize("output", ["out.onnx", "out.pth"])
def test_an_output_that_cannot_be_is_told_before_anything_is_fetched(
    output: str, server: Server
) -> None:
    run("tiny.yaml:V1", "-o", output, "--to", "keras", code=1)
    assert not server.asked


def test_a_file_may_have_a_colon_in_its_name(server: Server) -> None:
    if os.name == "nt":
        pytest.skip("not on Windows")
    Path("tiny.yaml:V1.npz").write_bytes(server.data)
    words = ("--spec", "tiny.yaml", "--rename", "net.=", "--skip", "aux")
    run("tiny.yaml:V1.npz", *words, "-o", "out.npz")
    assert not server.asked


def test_an_address_of_no_kind_of_weights_is_told_before_anything_is_fetched() -> None:
    Path("tiny.ckpt").write_bytes(b"")
    with publishing("tiny.ckpt") as server:
        assert "'tiny.ckpt' is no kind of file" in run("tiny.yaml:V1", "-o", "o.npz", code=1).stderr
        assert not server.asked


def test_what_reads_the_file_must_be_there_before_it_is_fetched(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rescompile.convert.owner.find_spec", lambda name: None)
    said = run("tiny.yaml:V1", "-o", "out.npz", code=1).stderr
    assert "error[E301]: numpy is not installed, which tiny.npz needs" in said
    assert not server.asked


def test_a_broken_file_whose_hash_is_right_is_a_broken_file() -> None:
    Path("tiny.npz").write_bytes(b"no archive")
    with publishing("tiny.npz"):
        assert "error[E302]: cannot read" in run("tiny.yaml:V1", "-o", "o.npz", code=1).stderr


@pytest.mark.parametrize("backend", backend_names())
def test_what_a_framework_saved_is_fetched(backend: str) -> None:
    """A model of the emitted source, saved by the framework's own means, in its own process."""
    target = get_backend(backend)
    if not all(importlib.util.find_spec(name) for name in target.requires):
        pytest.skip(f"{backend} is not installed")
    suffix = target.weight_files[0]
    np.savez("given.npz", **weights())
    Path("tiny.yaml").write_text(NET, encoding="utf-8")
    convert(Path("given.npz"), "tiny.yaml", Path(f"saved{suffix}"))
    with publishing(f"saved{suffix}") as server:
        run("tiny.yaml:V1", "-o", "out.npz")
        assert len(server.asked) == 1
    with np.load("out.npz") as made:
        for name, array in weights().items():
            np.testing.assert_array_equal(made[name], array)


WORDS = [sys.executable, "-m", "rescompile", "convert", "tiny.yaml:V1", "-o", "out.npz"]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_an_interrupted_command_keeps_what_it_has(
    number: int, code: int, server: Server, tmp_path: Path
) -> None:
    """And says so; the next one goes on from there."""
    over = threading.Event()
    server.acts = [stalls(len(server.data) // 2, over)]
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "backends")])
    with subprocess.Popen(
        WORDS,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which shells may ignore
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"fetching {server.url}/models/tiny.npz\n"
        part = tmp_path / "cache" / "weights" / ".tiny.npz.part"
        while not part.is_file():
            assert process.poll() is None
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(20) == code
    over.set()
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert "interrupted: what was fetched is kept, the same command goes on" in said
    assert not (tmp_path / "out.npz").exists()
    run("tiny.yaml:V1", "-o", "out.npz")
    same("out.npz", weights())


@pytest.mark.skipif(os.name == "nt", reason="files that are open are not replaced there")
def test_two_commands_at_once(server: Server) -> None:
    """Each gets the file, whichever of them fetches it."""
    server.acts = [cut(1000)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "backends")])}
    words = [[*WORDS[:-1], f"out{i}.npz"] for i in range(2)]
    running = [subprocess.Popen(each, env=environment) for each in words]
    assert [process.wait(60) for process in running] == [0, 0]
    for i in range(2):
        same(f"out{i}.npz", weights())
    assert sorted(server.ranges, key=str) == [None, "bytes=1000-"]


TORCHVISION = {
    "resnet18": [],
    "mobilenet_v3_small": [],
    "googlenet": ["aux1", "aux2"],
    "inception_v3": ["AuxLogits"],
}
SAVE = """
import sys, torch, torchvision
name, file = sys.argv[1:]
options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
torch.save(getattr(torchvision.models, name)(weights=None, **options).state_dict(), file)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_files_of_torchvisions_own_models(name: str) -> None:
    """With auxiliary classifiers, as torchvision publishes them, that the network has not."""
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    subprocess.run([sys.executable, "-c", SAVE, name, "model.pth"], check=True)
    state, skip = torch.load("model.pth", weights_only=True), TORCHVISION[name]
    net = f"rescompile: 1\nextends: {name}\nname: copy\n"
    with publishing("model.pth", net, f"    skip: [{', '.join(skip)}]\n") as server:
        done = run("tiny.yaml:V1", "-o", "out.weights.h5")
        assert server.ranges == [None]
    run("out.weights.h5", "--spec", name, "-o", "back.npz")
    aux = {key for key in state if key.startswith(tuple(skip))} if skip else set()
    assert bool(aux) == ("left out of the file" in done.stdout)
    with np.load("back.npz") as made:
        for key, tensor in state.items():
            if key not in aux and not key.endswith("num_batches_tracked"):
                assert made[key].tobytes() == tensor.numpy().tobytes(), key
        assert set(made.files) == state.keys() - aux
