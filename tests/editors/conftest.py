"""Speaks to the real yaml-language-server over its standard streams, as an editor does."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path("node_modules/yaml-language-server/bin/yaml-language-server")
WAIT = 60  # seconds for an answer; the first one takes node some
# Settings of the editor: all by themselves but the look-up of schemas in the network.
SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


def command() -> list[str] | None:
    """How the server is started, None where it or node is missing."""
    node = shutil.which("node")
    places = [os.environ.get("YAML_LANGUAGE_SERVER", ""), ROOT / "build/editor" / SCRIPT]
    found = next((str(place) for place in places if place and Path(place).is_file()), None)
    return [node, found, "--stdio"] if node and found else None


class Server:
    """A running server with one workspace."""

    def __init__(self, start: list[str], workspace: Path) -> None:
        self.process = subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self.count = 0
        threading.Thread(target=self._listen, daemon=True).start()
        options = {
            "processId": os.getpid(),
            "rootUri": workspace.as_uri(),
            "capabilities": {
                "textDocument": {
                    "hover": {"contentFormat": ["plaintext"]},
                    "completion": {"completionItem": {"documentationFormat": ["plaintext"]}},
                },
            },
        }
        self.ask("initialize", options)
        self.tell("initialized", {})

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def tell(self, method: str, params: Any, **more: Any) -> None:
        self._send({"method": method, "params": params, **more})

    def ask(self, method: str, params: Any) -> Any:
        """The answer to a request."""
        self.count += 1
        number = self.count
        self.tell(method, params, id=number)
        answer = self._await(
            lambda message: message.get("id") == number and "method" not in message
        )
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Show the server a document; what it finds wrong."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        found = self._await(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == path.as_uri()
            )
        )
        return list(found["params"]["diagnostics"])

    def at(self, method: str, path: Path, line: int, character: int) -> Any:
        """The answer to a question about a place, which counts from zero."""
        place = {"line": line, "character": character}
        return self.ask(method, {"textDocument": {"uri": path.as_uri()}, "position": place})

    def _await(self, wanted: Any) -> dict[str, Any]:
        while True:
            message = self.inbox.get(timeout=WAIT)
            if wanted(message):
                return message
            if "method" in message and "id" in message:
                self._oblige(message)

    def _oblige(self, message: dict[str, Any]) -> None:
        """Answer what the server asks the editor."""
        items = message.get("params", {}).get("items", ())
        result = [SETTINGS if item.get("section") == "yaml" else None for item in items]
        self._send({"id": message["id"], "result": result or None})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            if header.lower().startswith(b"content-length:"):
                size = int(header.split(b":")[1])
                while stream.readline().strip():
                    pass
                self.inbox.put(json.loads(stream.read(size)))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    start = command()
    if start is None:
        pytest.skip("no yaml-language-server: `make editor-test` installs it (it needs node)")
    running = Server(start, ROOT)
    yield running
    running.close()
