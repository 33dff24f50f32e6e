"""A token server and an API that takes its tokens, on loopback: real HTTP, and what was asked of them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

ANSWER = {
    "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}


class TokenServer:
    """Gives `token-1-of-the-server`, `token-2-...`, and answers chat completions to those that it gave last.

    Attributes:
        forms: the form and the `authorization` header of each request for a token.
        sent: the `authorization` header of each call.
        replies: what the next requests for tokens get, (status, body), in place of a token.
        extra: further fields of the answers with tokens.
        held: while it is clear, requests for tokens wait.
    """

    def __init__(self, **extra: Any) -> None:
        self.extra: dict[str, Any] = {"expires_in": 3600, **extra}
        self.forms: list[dict[str, str]] = []
        self.sent: list[str | None] = []
        self.replies: list[tuple[int, Any]] = []
        self.held = threading.Event()
        self.held.set()
        self.valid: str | None = None

    def __enter__(self) -> TokenServer:
        owner, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with lock:
                    status, value = owner.token(self, body) if self.path == "/token" else owner.answer(self)
                if self.path == "/token":
                    owner.held.wait(60)
                content = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def token(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any]:
        header = request.headers.get("authorization")
        self.forms.append(dict(parse_qsl(body.decode())) | ({"header": header} if header else {}))
        if self.replies:
            return self.replies.pop(0)
        self.valid = f"token-{len(self.forms)}-of-the-server"
        return 200, {"access_token": self.valid, "token_type": "Bearer", **self.extra}

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        self.sent.append(request.headers.get("authorization"))
        if self.sent[-1] != f"Bearer {self.valid}":
            return 401, {"error": {"message": "token expired"}}
        return 200, ANSWER
