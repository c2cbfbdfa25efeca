"""A hostile spec gets a diagnostic within a second and 200 MiB, and changes nothing.

Measured in a process of its own: time is the processor's, memory the process' largest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .specs import CONV, HARMLESS, HEAD, SPECS

if os.name == "nt":
    pytest.skip("limits are POSIX's", allow_module_level=True)

ROOT = Path(__file__).parents[2]
SECONDS, MIB = 1.0, 200
TRIES = 3  # other programs on the machine make ours slower, never faster: the best time is ours
COMMANDS = ("build", "report", "check", "lint", "show", "fmt", "diff")
WORDS = {"diff": ["resnet18"], "build": ["-o", "generated"]}
GOOD = f"{HEAD}stem:\n  - {CONV}\n"


class Server:
    """Starts commands under limits; see server.py."""

    def __init__(self, **environment: str) -> None:
        path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "server.py")],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *arguments: str) -> tuple[int, str]:
        """Exit code and text of a command, which has kept to the limits."""
        for _ in range(TRIES):
            code, text, seconds, memory = self.ask(folder, arguments)
            assert "Traceback" not in text, text
            assert code in (0, 1), (arguments, code, text)
            assert memory < MIB, arguments
            if seconds < SECONDS:
                return code, text
        raise AssertionError(f"{arguments}: {seconds} s")

    def ask(self, folder: Path, arguments: Sequence[str]) -> tuple[int, str, float, float]:
        """Exit code, text, seconds, and MiB of a command."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(folder), arguments]) + "\n")
        self.process.stdin.flush()
        code, text, seconds, memory = json.loads(self.process.stdout.readline())
        return code, text, seconds, memory

    def refuses(self, folder: Path, *arguments: str) -> str:
        code, text = self.run(folder, *arguments)
        assert code == 1, arguments
        assert "error[E" in text, text
        return text


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.process.kill()
    made.process.wait()


def everything(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder: bytes of files, and the other names."""
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


@pytest.mark.parametrize("name", SPECS)
def test_a_hostile_spec(name: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPECS[name], "utf-8")
    (tmp_path / "generated/torch").mkdir(parents=True)
    (tmp_path / "generated/torch/mine.py").write_text("precious")
    before = everything(tmp_path)
    for command in COMMANDS:
        if command == "fmt":
            server.run(tmp_path, "fmt", "--check", "net.yaml")
            continue
        if name in HARMLESS:
            server.run(tmp_path, command, "net.yaml", *WORDS.get(command, ()))
            continue
        text = server.refuses(tmp_path, command, "net.yaml", *WORDS.get(command, ()))
        assert len(text) < 10_000_000
        assert "\x1b" not in text
    assert name in HARMLESS or everything(tmp_path) == before


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\x00", b"rescompile: 1\x00", b"\x80" * 1000, b"a: \xed\xa0\x80", b"%YAML 9\n"],
)
def test_bytes_that_are_no_text(data: bytes, server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_bytes(data)
    for command in COMMANDS:
        server.refuses(tmp_path, command, "net.yaml", *["resnet18"] * (command == "diff"))


COMMENTED = {
    "above": "# c\n" * 250_000 + HEAD,
    "between": HEAD + "# c\n" * 250_000 + "stem: []\n",
    "below": HEAD + "stem:\n  - a\n" + "  # c\n" * 170_000,
    "inside": HEAD + "stem: [\n" + "# c\n" * 250_000 + "]\n",
    "beside": HEAD + "stem:\n" + "  # c\n  - a  # d\n" * 9_000,
}


@pytest.mark.parametrize("place", COMMENTED)
def test_as_many_comments_as_a_file_may_hold(place: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(COMMENTED[place], "utf-8")
    assert server.run(tmp_path, "fmt", "net.yaml")[0] == 0
    assert server.run(tmp_path, "fmt", "--check", "net.yaml")[0] == 0


def test_files_that_are_none(server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "nowhere.yaml").symlink_to("missing")
    os.mkfifo(tmp_path / "fifo.yaml")
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1 << 36)
    for name in (*os.listdir(tmp_path), "x" * 5000, "x" * 5000 + ".yaml", "/dev/zero", "a\nb"):
        for command in ("build", "show", "fmt"):
            server.refuses(tmp_path, command, name)


def test_references_stay_inside(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("rescompile: 1\nblocks: {secret: {body: []}}\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.yaml").symlink_to("../secret.yaml")
    (inside / "folder").symlink_to("..")
    for name in (
        "../secret",
        "link",
        "folder/secret",
        str(tmp_path / "secret"),
        "~/secret",
        "a\\b",
    ):
        for text in (f"extends: {name}\n", f"use: ['{name}']\n"):
            (inside / "net.yaml").write_text(HEAD + text)
            assert "E105" in server.refuses(inside, "show", "net.yaml")


def test_files_that_read_each_other(server: Server, tmp_path: Path) -> None:
    """Nine libraries that each use the next one fifty times: 50 ** 9 files."""
    for i in range(9):
        use = ", ".join([f"lib{i + 1}"] * 50)
        (tmp_path / f"lib{i}.yaml").write_text(f"rescompile: 1\nuse: [{use}]\nblocks: {{}}\n")
    (tmp_path / "lib9.yaml").write_text("rescompile: 1\nblocks: {}\n")
    (tmp_path / "net.yaml").write_text(f"{HEAD}use: [lib1]\nstem: [{{{CONV}}}]\n")
    assert "E104" in server.refuses(tmp_path, "show", "net.yaml")
    for a, b in (("ping", "pong"), ("pong", "ping")):
        (tmp_path / f"{a}.yaml").write_text(f"rescompile: 1\nextends: {b}\n")
    assert "E104" in server.refuses(tmp_path, "build", "ping.yaml")


def test_outputs_that_are_no_files(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(GOOD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("precious")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    before = everything(tmp_path)
    for place in ("fifo", "/dev/null", "/dev/full", "file/x", "loop/x", "/proc/x/y", "n" * 5000):
        for command in ("report", "check"):
            assert "E003" in server.refuses(tmp_path, command, "net.yaml", "-o", place)
    for place in ("file/x", "loop", "/proc/x"):
        assert "E003" in server.refuses(tmp_path, "build", "net.yaml", "-o", place)
    assert everything(tmp_path) == before
    assert Path("/dev/null").is_char_device()


def test_a_link_at_the_output_is_replaced_and_its_target_left(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "net.yaml").write_text(GOOD)
    (tmp_path / "target").write_text("precious")
    (tmp_path / "generated/torch").mkdir(parents=True)
    (tmp_path / "generated/torch/mine.py").symlink_to("../../target")
    before = everything(tmp_path)
    assert "--force" in server.refuses(tmp_path, "build", "net.yaml")
    assert everything(tmp_path) == before
    assert server.run(tmp_path, "build", "net.yaml", "--force")[0] == 0
    assert (tmp_path / "target").read_text() == "precious"
    assert "class Mine" in (tmp_path / "generated/torch/mine.py").read_text()


def test_all_files_or_none(server: Server, tmp_path: Path) -> None:
    """The second file cannot be written: the first one is as it was."""
    (tmp_path / "net.yaml").write_text(GOOD)
    (tmp_path / "generated/torch/mine.py").mkdir(parents=True)
    (tmp_path / "generated/keras").mkdir()
    (tmp_path / "generated/keras/mine.py").write_text("precious")
    before = everything(tmp_path)
    assert "E003" in server.refuses(tmp_path, "build", "net.yaml")
    assert everything(tmp_path) == before


def test_a_full_disk(tmp_path: Path) -> None:
    """No file may become larger than 1000 bytes, and the command is not killed for it."""
    full = Server(RESCOMPILE_FILE_SIZE="1000")
    (tmp_path / "net.yaml").write_text(GOOD)
    (tmp_path / "precious.txt").write_text("precious")
    before = everything(tmp_path)
    for words in (["build", "resnet34"], ["report", "resnet34", "-o", "deep/er/costs.txt"]):
        assert "File too large" in full.refuses(tmp_path, *words)
        assert everything(tmp_path) == before
    full.process.kill()
    full.process.wait()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_is_closed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(GOOD)
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "E003" in server.refuses(tmp_path, "build", "net.yaml", "-o", "closed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["show", "resnet34"], ["list"], ["build", "vgg11", "--stdout"]])
def test_standard_output_that_is_full(words: list[str]) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rescompile", *words],
            env={**os.environ, "PYTHONPATH": path},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error[E003]: cannot go on: No space left on device\n"
