"""A client of the language server: starts `drawloom lsp` and speaks the protocol over its pipes."""

import json
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

TIMEOUT = 60.0
"""Seconds to wait for any message; far more than a busy machine needs."""


class ServerError(Exception):
    """A request that the server answered with an error."""


class Client:
    """One connection to a server of its own."""

    def __init__(self, encodings: tuple[str, ...] = ("utf-16",)) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drawloom", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._start(self.process.stdout, self.process.stdin, encodings)

    def _start(self, source: BinaryIO, sink: BinaryIO, encodings: tuple[str, ...]) -> None:
        self.source, self.sink = source, sink
        self.answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.published: queue.Queue[dict[str, Any]] = queue.Queue()
        self.last_id = 0
        threading.Thread(target=self._receive, daemon=True).start()
        capabilities = {"general": {"positionEncodings": list(encodings)}}
        self.initialized = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities}
        )
        self.notify("initialized", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if kind is not None:
            self.process.kill()
        elif self.process.poll() is None:
            self.request("shutdown", None)
            self.notify("exit", None)
            assert self.process.wait(TIMEOUT) == 0
        for stream in (self.source, self.sink):
            stream.close()

    def _receive(self) -> None:
        while True:
            try:
                headers = []
                while line := self.source.readline().strip():
                    headers.append(line)
                length = re.search(rb"Content-Length: (\d+)", b"\n".join(headers))
                message = json.loads(self.source.read(int(length[1]))) if length else None
            except ValueError:
                return  # closed while reading
            if message is None:
                return
            if "id" in message and "method" not in message:
                self.answers[message["id"]].put(message)
            elif message.get("method") == "textDocument/publishDiagnostics":
                self.published.put(message["params"])

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.sink.flush()

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result.

        Raises:
            ServerError: when the answer is an error.
        """
        self.last_id += 1
        self.answers[self.last_id] = queue.Queue()
        self._send({"id": self.last_id, "method": method, "params": params})
        message = self.answers[self.last_id].get(timeout=TIMEOUT)
        if "error" in message:
            raise ServerError(message["error"]["message"])
        return message["result"]

    def diagnostics(self, uri: str, version: int | None = None) -> list[dict[str, Any]]:
        """The next diagnostics of a text, of at least a version."""
        while True:
            params = self.published.get(timeout=TIMEOUT)
            if params["uri"] == uri and (version is None or (params.get("version") or 0) >= version):
                found: list[dict[str, Any]] = params["diagnostics"]
                return found

    def open(self, path: Path, text: str) -> "Text":
        """Open a text under a path, whether or not there is such a file."""
        text_document = {"uri": path.as_uri(), "languageId": "loom", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": text_document})
        return Text(self, path.as_uri(), text)


class Text:
    """An open text."""

    def __init__(self, client: Client, uri: str, text: str) -> None:
        self.client = client
        self.uri = uri
        self.text = text
        self.version = 1

    def position(self, offset: int) -> dict[str, int]:
        """A position as the protocol counts it, in UTF-16 code units."""
        before = self.text[:offset]
        line = before.rsplit("\n", 1)[-1]
        return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}

    def at(self, mark: str, inside: int = 0, nth: int = 0) -> dict[str, Any]:
        """The position in the nth occurrence of a piece of the text, as parameters of a request."""
        offset = [m.start() for m in re.finditer(re.escape(mark), self.text)][nth] + inside
        return {"textDocument": {"uri": self.uri}, "position": self.position(offset)}

    def ask(self, feature: str, mark: str, inside: int = 0, nth: int = 0, **more: Any) -> Any:
        """The answer to a request about a position."""
        return self.client.request(f"textDocument/{feature}", {**self.at(mark, inside, nth), **more})

    def shown(self, found: dict[str, Any]) -> str:
        """The piece of the text in a range."""
        lines = self.text.split("\n")
        start, end = found["start"], found["end"]
        assert start["line"] == end["line"]
        units = lines[start["line"]].encode("utf-16-le")
        return units[2 * start["character"] : 2 * end["character"]].decode("utf-16-le")

    def edit(self, old: str, new: str, nth: int = 0) -> None:
        """Replace the nth occurrence of a piece by an incremental change."""
        start = [m.start() for m in re.finditer(re.escape(old), self.text)][nth]
        change = {
            "range": {"start": self.position(start), "end": self.position(start + len(old))},
            "text": new,
        }
        self.text = self.text[:start] + new + self.text[start + len(old) :]
        self.change([change])

    def replace(self, text: str) -> None:
        """Replace everything."""
        self.text = text
        self.change([{"text": text}])

    def change(self, changes: list[dict[str, Any]]) -> None:
        """Send changes; the text has been changed already."""
        self.version += 1
        identifier = {"uri": self.uri, "version": self.version}
        params = {"textDocument": identifier, "contentChanges": changes}
        self.client.notify("textDocument/didChange", params)

    def diagnostics(self) -> list[dict[str, Any]]:
        """The diagnostics of the text as it is now."""
        return self.client.diagnostics(self.uri, self.version)
