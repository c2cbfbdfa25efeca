"""Every job of docs/training.md is done as it stands there, in each framework.

A process a framework runs all sections, after section 1, and tells what each printed.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .page import PUBLISHED, check_commands, prepared, run, sections, shell

SECTIONS = sections("training.md")
HERE = Path(__file__).parent
SHELL = re.compile(r"```sh\n(.*?)```", re.S)
BLOCK = re.compile(
    r"\*\*(PyTorch|Keras|Flax)\.\*\*((?!\*\*).)*?```python\n(?P<code>.*?)```\n"
    r"(?:\n```text\n(?P<shown>.*?)```)?",
    re.S,
)
SCRIPTS = "6"  # the section whose code is two files
SAVED = {"PyTorch": "many.pth", "Keras": "many.weights.h5"}
ENGINES = {"PyTorch": "torch", "Keras": "tensorflow", "Flax": "flax"}
EXPORTED = ("PyTorch", "Keras")
# In place of the published weights, where the machine has them not: those of section 1.
OWN = {
    '"resnet20_cifar:CIFAR10"': '"resnet8.pth"',
    "classes=4": 'spec="resnet20_cifar", set={"n": 1}, classes=4',
}
# What section 9 exports are PyTorch's weights, so it gets PyTorch's images as well.
AROUND = {
    ("PyTorch", "8"): (
        "",
        """
import numpy
numpy.save("images.npy", images.permute(0, 2, 3, 1).numpy())
numpy.save("torch.npy", model(images).detach().numpy())
""",
    ),
    ("Keras", "9"): (
        'images = np.load("images.npy")\n',
        '\nnp.save("served.npy", served)\nnp.save("lite.npy", logits)\n',
    ),
}
# The traps that the page tells of: its code without what avoids them.
COMPILE = "prepare(model)\n"
FITTED = f"model = resnet8()\n{COMPILE}model.fit(images, labels, batch_size=16, verbose=0)\n"
TRAPS = {
    ("PyTorch", "4"): [("    module.eval()\n", "    pass\n")],
    ("Keras", "1"): [("from_logits=True", "")],
    ("Keras", "4"): [(COMPILE, ""), ("model = resnet8()\n", FITTED)],
    ("Flax", "4"): [("model.eval()\nmodel.linear.train()\n", "")],
}
Done = dict[str, dict[str, Any]]


def blocks(framework: str) -> dict[str, tuple[str, str]]:
    """The code of a framework by section, with what the page shows that it prints."""
    found = {}
    for number, text in SECTIONS.items():
        for block in BLOCK.finditer(text):
            if block[1] == framework:
                found[number] = (block["code"], block["shown"] or "")
    return found


SLOW = {("PyTorch", SCRIPTS)}  # tests/experiments runs torchrun by default
CASES = [
    pytest.param(framework, number, marks=[pytest.mark.slow] * ((framework, number) in SLOW))
    for framework in ENGINES
    for number in blocks(framework)
]


def numbers(printed: str) -> list[float]:
    return [float(word) for word in re.findall(r"\d+\.\d+(?:e-\d+)?", printed)]


def ran(framework: str, place: Path) -> Done:
    """What the sections of a framework print, and the traps."""
    if importlib.util.find_spec(ENGINES[framework]) is None:
        pytest.skip(f"{framework} is not installed")
    codes = {}
    for number, (code, _) in blocks(framework).items():
        if not PUBLISHED.is_file() and "CIFAR10" in code:
            for published, own in OWN.items():
                code = code.replace(published, own)
        before, after = AROUND.get((framework, number), ("", ""))
        codes[number] = before + code + after
        for good, bad in TRAPS.get((framework, number), ()):
            assert good in code
            code = codes[f"trap {number}"] = code.replace(good, bad)
    codes.pop(SCRIPTS, None)
    (place / "blocks.json").write_text(json.dumps(codes), "utf-8")
    words = [str(HERE / "run_blocks.py"), "blocks.json", "done.json"]
    run(words, place, KERAS_BACKEND="tensorflow")
    done: Done = json.loads((place / "done.json").read_text("utf-8"))
    for name, answer in done.items():
        print(f"{framework} {name}: {answer['seconds']:.1f} s")
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = prepared(tmp_path_factory.mktemp("training"))
    (built,) = SHELL.findall(SECTIONS["0"])
    assert "wrote generated/torch/resnet8.py" in shell(built, folder)
    return folder


@pytest.fixture(scope="module")
def torch_done(place: Path) -> Done:
    return ran("PyTorch", place)


@pytest.fixture(scope="module")
def done(place: Path, torch_done: Done) -> dict[str, Done]:
    """What each framework prints; Keras after PyTorch, whose weights it exports."""
    (converted,) = SHELL.findall(SECTIONS["9"])
    assert "wrote resnet8.weights.h5" in shell(converted, place)
    return {"PyTorch": torch_done, "Keras": ran("Keras", place), "Flax": ran("Flax", place)}


@pytest.mark.parametrize(("framework", "number"), CASES)
def test_a_section_prints_what_the_page_shows(
    framework: str, number: str, done: dict[str, Done], place: Path
) -> None:
    code, shown = blocks(framework)[number]
    if number == SCRIPTS:
        text = SECTIONS[number].partition(code)[2]
        shown, *_ = re.findall(r"```text\n(.*?)```", text, re.S)
        (place / code.split()[1]).write_text(code, "utf-8")
        assert shell(SHELL.findall(text)[0], place) == shown
        again = (
            f"rescompile convert {SAVED[framework]} --spec resnet20_cifar --set n=1 -o again.npz"
        )
        assert "wrote again.npz: 44 tensors" in shell(again, place)
        return
    answer = done[framework][number]
    assert not answer["error"], answer["error"]
    assert answer["printed"] == shown or not shown


def test_without_its_care_a_trap_is_one(done: dict[str, Done]) -> None:
    traps = {key: done[key[0]][f"trap {key[1]}"]["printed"] for key in TRAPS}
    assert "bn1.running_mean" in traps["PyTorch", "4"]
    assert "conv1/kernel" in traps["Keras", "4"]
    assert "bn1.mean" in traps["Flax", "4"]
    first, last = numbers(traps["Keras", "1"])
    assert last > first / 2


@pytest.mark.parametrize("framework", ENGINES)
def test_they_learn(framework: str, done: dict[str, Done]) -> None:
    first, last = numbers(done[framework]["1"]["printed"])
    assert last < first / 3
    first, last = numbers(done[framework]["3"]["printed"])
    assert last < first - 0.1


def test_what_is_exported_is_the_model(done: dict[str, Done], place: Path) -> None:
    """In every format; what went from PyTorch to TFLite is PyTorch's as well."""
    logits = np.load(place / "torch.npy")
    bound = 1e-5 * np.abs(logits).max()
    printed = [done[framework]["8"]["printed"] for framework in EXPORTED]
    found = [*numbers("".join(printed)), *numbers(done["Keras"]["9"]["printed"])]
    assert len(found) == 4
    assert max(found) < bound
    for file in ("served.npy", "lite.npy"):
        assert np.abs(np.load(place / file) - logits).max() < bound


def test_no_block_is_left_out() -> None:
    page = "".join(SECTIONS.values())
    assert len(CASES) == page.count("```python\n")
    run_here = [len(SHELL.findall(SECTIONS[number])) for number in ("0", SCRIPTS, "9")]
    assert run_here == [1, 2, 1]
    assert page.count("```sh\n") == 4


def test_what_else_the_page_says_is_there() -> None:
    assert check_commands(SECTIONS) >= 2
