"""What an editor shows of a spec, asked of the real yaml-language-server (`make editor-test`)."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
START = "# yaml-language-server: $schema=schema.json\nrescompile: 1\nname: mine\n"
UNSAVED = count()
IMAGE = START + "input: {height: 32, width: 32}\n"


def labels(server: Any, marked: str) -> set[str]:
    """What is offered where the cursor, `|`, stands in a new spec."""
    before, _, after = marked.partition("|")
    path = SPECS / f"unsaved_{next(UNSAVED)}.yaml"
    server.open(path, before + after)
    line = before.count("\n")
    column = len(before) - (before.rfind("\n") + 1)
    found = server.at("textDocument/completion", path, line, column)
    return {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}


def hover(server: Any, path: Path, text: str) -> str:
    """What is shown within the word that begins `text` in a shipped spec, without escapes."""
    lines = path.read_text("utf-8").splitlines()
    line = next(i for i, found in enumerate(lines) if text in found)
    found = server.at("textDocument/hover", path, line, lines[line].index(text) + 1)
    return str(found["contents"]["value"]).replace("\\", "")


def problems(server: Any, name: str, text: str) -> list[tuple[int, str]]:
    """The line, from one, and the message of what is wrong."""
    found = server.open(SPECS / f"unsaved_{name}.yaml", text)
    return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]


@pytest.mark.parametrize("name", ["resnet34", "plain34", "vgg/vgg11", "blocks/residual"])
def test_a_shipped_file_is_in_order(server: Any, name: str) -> None:
    path = SPECS / f"{name}.yaml"
    assert server.open(path, path.read_text("utf-8")) == []


def test_keys_are_completed(server: Any) -> None:
    assert labels(server, START + "|") >= {"input", "extends", "use", "stages", "claims"}
    assert labels(server, IMAGE + "stem:\n  - |") >= {"conv", "block", "residual", "name"}
    conv = IMAGE + "stem:\n  - conv:\n      channels: 8\n      |\n"
    assert labels(server, conv) >= {"kernel", "stride", "groups", "dilation"}
    changed = START + "extends: resnet34\nstages:\n  layer1:\n    |\n"
    assert labels(server, changed) >= {"repeat", "block"}


def test_words_are_completed(server: Any) -> None:
    assert labels(server, IMAGE + "shortcut: |\n") >= {"projection", "identity", "pad"}


def test_hovering_explains(server: Any) -> None:
    path = SPECS / "resnet34.yaml"
    server.open(path, path.read_text("utf-8"))
    assert "2-D convolution" in hover(server, path, "conv: {")
    assert "Height and width of the window." in hover(server, path, "kernel: 7")
    assert "The rows of the paper's table." in hover(server, path, "stages:")


def test_an_unknown_key_is_an_error(server: Any) -> None:
    step = IMAGE + "stem:\n  - conv: {channels: 8, kernel: 3, strid: 2}\n"
    assert problems(server, "key", step) == [(6, "Property strid is not allowed.")]
    assert (5, "Property stage is not allowed.") in problems(server, "top", IMAGE + "stage: []\n")


def test_a_wrong_word_is_an_error(server: Any) -> None:
    ((line, message),) = problems(server, "word", IMAGE + "shortcut: projektion\n")
    assert line == 5
    assert '"projection"' in message
