"""A server that answers every call at once with the same words: what is left is the client's own time.

It runs in a process of its own and speaks as much HTTP as clients send; what is posted to `/chat/completions` is
answered in the form of OpenAI's API, all else in that of Ollama's. `python instant_server.py [LATENCY_MS]` prints its
port.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

#: What the model says.
TEXT = '{"thinking": "2 + 3 = 5", "answer": "5"}'
OLLAMA = {
    "model": "instant",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {"role": "assistant", "content": TEXT},
    "done": True,
    "done_reason": "stop",
    "total_duration": 1000,
    "load_duration": 1,
    "prompt_eval_count": 60,
    "prompt_eval_duration": 1,
    "eval_count": 16,
    "eval_duration": 1,
}
OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767225600,
    "model": "instant",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 60, "completion_tokens": 16, "total_tokens": 76},
}


def response(answer: dict[str, object]) -> bytes:
    """A whole response of HTTP."""
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


RESPONSES = {True: response(OPENAI), False: response(OLLAMA)}


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            answer = RESPONSES[b"/chat/completions" in head.split(b"\r\n", 1)[0]]
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)
            else:
                self.transport.write(answer)


async def serve(latency: float) -> None:
    """Listen on a free port and print it."""
    Connection.latency = latency
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Instant:
    """The server as a process, for a `with` block; `url` is where it listens."""

    def __init__(self, latency_ms: float = 0) -> None:
        self._latency = latency_ms

    def __enter__(self) -> Instant:
        command = [sys.executable, str(Path(__file__)), str(self._latency)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with self.process:  # waits, and closes the pipe
            pass


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
