"""A server on loopback that speaks two dialects and does one kind of wrong to every few requests."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

#: Every which request is struck. With 8 calls at once and attempts enough no call fails for good.
EVERY = 5
#: Seconds that a late answer takes, and the time-out of an attempt that is struck by it.
LATE, TIMEOUT = 1.0, 0.4
#: Tokens that every answer bills.
PROMPT, COMPLETION = 100, 20


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        head: what is sent in place of the status line, or None for 200.
        body: makes the body out of the right one.
        headers: further headers.
        billed: whether the server bills the answer all the same.
        closes: whether the connection is broken behind it.
        late: whether it comes too late.
        asked_twice: whether it is an answer that breaks its schema, which is asked for a second time only.
        fails: the kind of failure of the sample where another attempt is of no use, or None.
    """

    head: str | None = None
    body: Callable[[bytes], bytes] = lambda right: right
    headers: str = ""
    billed: bool = False
    closes: bool = False
    late: bool = False
    asked_twice: bool = False
    fails: str | None = None


def _status(code: int, headers: str = "", **more: Any) -> Kind:
    words = b'{"error": {"message": "no such luck", "type": "x", "code": null}}'
    return Kind(f"HTTP/1.1 {code} Trouble", lambda _: words, headers, **more)


def _answer_text(text: str, finish: str | None = None) -> Callable[[bytes], bytes]:
    """The right body with another text of the answer."""

    def change(right: bytes) -> bytes:
        value = json.loads(right)
        if "choices" in value:
            value["choices"][0]["message"]["content"] = text
            value["choices"][0]["finish_reason"] = finish or "stop"
        else:
            value["message"]["content"] = text
            value["done_reason"] = finish or "stop"
        return json.dumps(value).encode()

    return change


#: 22 kinds: statuses, connections, bodies, and answers.
KINDS: dict[str, Kind] = {
    "408 request timeout": _status(408, billed=True),
    "409 conflict": _status(409),
    "425 too early": _status(425),
    "429 too many": _status(429),
    "429 that names its wait": _status(429, "retry-after: 2\r\n"),
    "499 closed": _status(499, billed=True),
    "500 broken": _status(500),
    "502 bad gateway": _status(502, billed=True),
    "503 unavailable": _status(503),
    "504 gateway timeout": _status(504, billed=True),
    "524 timeout": _status(524, billed=True),
    "529 overloaded": _status(529),
    "dropped before the answer": Kind(head="", body=lambda _: b"", billed=True, closes=True),
    "dropped in the middle": Kind(body=lambda right: right[: len(right) // 2], billed=True, closes=True),
    "no HTTP at all": Kind(head="SSH-2.0-OpenSSH_9.2", body=lambda _: b"", billed=True, closes=True),
    "an empty body": Kind(body=lambda _: b"", billed=True),
    "a page of HTML": Kind(body=lambda _: b"<html>Welcome to nginx</html>", billed=True),
    "JSON of another shape": Kind(body=lambda _: b'{"choices": 7, "message": 7}', billed=True),
    "too late": Kind(late=True, billed=True),
    "text that is no JSON": Kind(body=_answer_text("Sure, here you are"), billed=True, asked_twice=True),
    "JSON that breaks the schema": Kind(body=_answer_text('{"answer": 5}'), billed=True, asked_twice=True),
    "an answer that was cut": Kind(body=_answer_text('{"thinking": "a', "length"), billed=True, fails="length"),
}


@dataclass
class WireServer:
    """Answers sums in Ollama's and in OpenAI's dialect, in a thread a connection, and counts as a provider does."""

    kind: Kind
    requests: int = 0
    struck: int = 0
    billed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while self._answer(connection, stream):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(connection)

    def _answer(self, connection: socket.socket, stream: Any) -> bool:
        """Answer a request; whether the connection goes on."""
        line = stream.readline()
        if not line:
            return False
        length = 0
        while (header := stream.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        asked = json.loads(stream.read(length))
        with self._lock:
            self.requests += 1
            strikes = self.requests % EVERY == 0
            self.struck += strikes
            self.billed += not strikes or self.kind.billed
        right = _right(asked, b"/v1/" in line)
        kind = self.kind if strikes else Kind()
        body = kind.body(right)
        if kind.late:
            threading.Event().wait(LATE)
        said = len(right) if kind.closes else len(body)
        head = "HTTP/1.1 200 OK" if kind.head is None else kind.head
        if head:
            lines = f"{head}\r\ncontent-type: application/json\r\n{kind.headers}content-length: {said}\r\n\r\n"
            connection.sendall(lines.encode() + body)
        return not kind.closes


def _right(asked: dict[str, Any], openai: bool) -> bytes:
    words = "\n".join(message["content"] for message in asked["messages"] if message["role"] == "user")
    first, second = map(int, re.findall(r"(\d+) \+ (\d+)", words)[-1])
    text = json.dumps({"thinking": f"{first} + {second}", "answer": str(first + second)})
    if openai:
        usage = {"prompt_tokens": PROMPT, "completion_tokens": COMPLETION}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return json.dumps({"model": "sums", "choices": [choice], "usage": usage}).encode()
    counts = {"prompt_eval_count": PROMPT, "eval_count": COMPLETION}
    message = {"role": "assistant", "content": text}
    return json.dumps({"model": "sums", "message": message, "done": True, "done_reason": "stop", **counts}).encode()
