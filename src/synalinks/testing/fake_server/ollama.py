"""A stand-in Ollama server: real HTTP on loopback, and a rule where a language model would be.

    with OllamaServer(env=True) as server:
        ...                                     # ollama.Client() and LanguageModel("ollama/...") find it
        print(server.requests.models)           # calls and tokens, as it would bill them

    python -m synalinks.testing.fake_server.ollama --port 11434

It speaks `/api/chat`, `/api/generate`, `/api/embed`, `/api/embeddings`, `/api/tags`, `/api/ps`, `/api/show`,
`/api/pull`, `/api/version` and `/` in Ollama's native form, counters and errors included, and `/v1/chat/completions`,
`/v1/completions`, `/v1/embeddings` and `/v1/models` in OpenAI's, streams and tools too. What it says is decided by a
rule (`ArithmeticModel` unless another is given), which is deterministic for a prompt and its draw; see `model`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from synalinks import _json
from synalinks.errors import ConfigurationError
from synalinks.testing.fake_models.arithmetic import ArithmeticModel
from synalinks.testing.fake_models.chat import model_of
from synalinks.testing.fake_models.model import Law
from synalinks.testing.fake_models.table import TableModel
from synalinks.testing.fake_server.capacity import Capacity
from synalinks.testing.fake_server.faults import Fault, FaultSchedule
from synalinks.testing.fake_server.http import Connection
from synalinks.testing.fake_server.log import RequestLog
from synalinks.testing.fake_server.service import LLAMA_CPP_ROUTES, ROUTES, Latency, Service
from synalinks.testing.fake_server.shelf import Shelf

#: Connections that may wait to be accepted; a burst of hundreds must not be refused.
_BACKLOG = 1024
#: Seconds that starting and stopping may take before something must be wrong.
_PATIENCE = 10.0


class OllamaServer:
    """A stand-in Ollama server in a thread of its own.

    Example:
        >>> from synalinks.lm import Client, Request
        >>> from synalinks.testing import OllamaServer
        >>> request = Request("chat", "ollama/any", messages=[{"role": "user", "content": "What is 2 + 2?"}])
        >>> with OllamaServer(model=lambda request: "4") as server:
        ...     asyncio.run(Client("ollama/any", api_base=server.url, cache="off").send(request)).text
        '4'
        >>> len(server.requests)
        1

    Args:
        port: to listen on; 0 takes a free one.
        host: address to listen on.
        latency: seconds before each answer of a model, or a function of the request's number (from 1).
        pace: seconds between the pieces of a streamed answer.
        faults: the failure schedule; the first fault that strikes a request is the one it gets.
        model: a function `ChatRequest -> str | ModelReply`, or an object with such a method `reply`;
            `ArithmeticModel()` by default.
        models: names of the models to serve, or a mapping of names to capabilities (`"completion"`,
            `"tools"`, `"thinking"`, `"embedding"`, `"vision"`); others answer 404. None serves any name.
        env: set `OLLAMA_HOST` while the server runs, and put back what was there.
        keep: how many requests to keep in `requests`; None keeps all.
        capacity: slots, queue and memory of the server; None answers any number of requests at once.
        library: models that can be pulled, with their sizes in bytes; with `models=None` any model can.

    Raises:
        ConfigurationError: an argument is wrong, or the address can't be listened on (on `start`).
    """

    #: The paths that it answers, and the methods that each takes.
    routes: ClassVar[Mapping[str, tuple[str, ...]]] = ROUTES
    #: The environment variable that `env` sets, and what its value has behind the address.
    variable: ClassVar[tuple[str, str]] = ("OLLAMA_HOST", "")

    def __init__(
        self,
        port: int = 0,
        latency: Latency = 0.0,
        faults: Iterable[Fault] = (),
        model: Any = None,
        models: Collection[str] | Mapping[str, Sequence[str]] | None = None,
        *,
        host: str = "127.0.0.1",
        env: bool = False,
        keep: int | None = None,
        pace: float = 0.0,
        capacity: Capacity | None = None,
        library: Mapping[str, int] | None = None,
    ) -> None:
        self._address = (host, port)
        self._env = env
        self._old_env: str | None = None
        self._service = Service(
            model_of(ArithmeticModel() if model is None else model),
            Shelf(models, library),
            FaultSchedule(faults),
            latency,
            keep,
            pace,
            capacity,
            self.routes,
        )
        self._connections: set[Connection] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._url: str | None = None

    # -------------------------------------------------------------- what it has seen
    @property
    def url(self) -> str:
        """The URL of the server, with its port on loopback; after it has stopped, the last one.

        Raises:
            ConfigurationError: it was never started.
        """
        if self._url is None:
            raise ConfigurationError("the server has no address before it is started: use `with` or start()")
        return self._url

    @property
    def requests(self) -> RequestLog:
        """The requests since the start or the last `reset()`, with counts by model."""
        return self._service.log

    @property
    def max_in_flight(self) -> int:
        """The most requests to a model that were open at one time."""
        return self._service.max_in_flight

    @property
    def loads(self) -> list[str]:
        """Names of the models in the order in which they were loaded into memory; empty without a capacity."""
        scheduler = self._service.scheduler
        return [] if scheduler is None else list(scheduler.loads)

    def reset(self) -> None:
        """Drop requests, counts and draws, so that the next run finds the server as if just started."""
        if self._loop is None:
            self._service.reset()
            return
        done = threading.Event()

        def reset() -> None:
            self._service.reset()
            done.set()

        self._loop.call_soon_threadsafe(reset)
        done.wait(_PATIENCE)

    # -------------------------------------------------------------- running
    def start(self) -> Self:
        """Listen and answer, until `stop()`."""
        if self._thread is not None:
            raise ConfigurationError(f"the server already runs at {self.url}: stop() it first")
        listener = self._listen()
        host, port = listener.getsockname()[:2]
        self._url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(listener, ready)), name="stand-in-ollama", daemon=True
        )
        self._thread.start()
        ready.wait(_PATIENCE)
        if self._env:
            name, path = self.variable
            self._old_env = os.environ.get(name)
            os.environ[name] = self._url + path
        return self

    def _listen(self) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # The protocol is named because asyncio switches Nagle's delay off only for sockets that name it.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {error.strerror or error}. Port 0 takes a free one."
            ) from error
        return listener

    async def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        service = self._service
        server = await loop.create_server(
            lambda: Connection(service.answer, self._connections), sock=listener, backlog=_BACKLOG
        )
        ready.set()
        try:
            await self._stopped.wait()
        finally:
            _close_unaccepted(listener)
            server.close()
            for task in service.tasks:
                task.cancel()
            # Besides those, asyncio's own tasks that are just taking a connection in.
            if others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
            for connection in list(self._connections):
                connection.abort()
            while self._connections:  # noqa: ASYNC110  each closes its socket in a callback of its own
                await asyncio.sleep(0)
            await server.wait_closed()

    def stop(self) -> None:
        """Close every connection and the port; open requests are broken off. Harmless when stopped."""
        if self._thread is None or self._loop is None or self._stopped is None:
            return
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(_PATIENCE)
        self._thread = self._loop = self._stopped = None
        if self._env:
            name, _ = self.variable
            if self._old_env is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = self._old_env

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"at {self._url}" if self._thread is not None else "stopped"
        return f"<{type(self).__name__} {state}, {self.requests.number} model requests>"


class LlamaCppServer(OllamaServer):
    """A stand-in for llama.cpp's server: OpenAI's paths, and `/props` and `/slots`, which show its slots. Its arguments
    are those of `OllamaServer`; `env` sets `LLAMA_CPP_API_BASE`.

    Example:
        >>> from synalinks.testing import Capacity, LlamaCppServer
        >>> with LlamaCppServer(capacity=Capacity(parallel=4)) as server:
        ...     asyncio.run(synalinks.language_models.supported_models("llama_cpp", f"{server.url}/v1"))
        ['llama_cpp/stand-in:latest']
    """

    routes = LLAMA_CPP_ROUTES
    variable = ("LLAMA_CPP_API_BASE", "/v1")


def _close_unaccepted(listener: socket.socket) -> None:
    """Close the connections not accepted yet: not every system does so with their listener."""
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()


# -------------------------------------------------------------------------- the command
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synalinks.testing.fake_server.ollama",
        description="A stand-in Ollama server. It does sums by a rule; it is not a language model.",
    )
    parser.add_argument("--port", type=int, default=11434, help="port; 0 takes a free one (default: 11434)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds before each answer")
    parser.add_argument("--fail-every", type=int, metavar="N", help="fail each N-th request to a model")
    parser.add_argument("--fail-rate", type=float, metavar="P", help="fail requests with this probability")
    parser.add_argument("--fail-status", type=int, default=500, help="status of failures (default: 500)")
    parser.add_argument("--retry-after", type=float, metavar="S", help="Retry-After header of failures")
    parser.add_argument("--seed", type=int, default=0, help="seed of --fail-rate (default: 0)")
    parser.add_argument("--base", type=float, help="chance to be right when taught nothing (default: 0.55)")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="answer the questions of a JSON object, question to number, not sums"
    )
    parser.add_argument("--models", nargs="+", metavar="NAME", help="serve these models only")
    parser.add_argument("--parallel", type=int, metavar="N", help="answer N requests of a model at once; others wait")
    parser.add_argument("--loading", type=float, metavar="S", help="seconds in which a model is loaded")
    parser.add_argument("--llama-cpp", action="store_true", help="have the paths of llama.cpp's server, not Ollama's")
    return parser


def _faults(options: argparse.Namespace) -> list[Fault]:
    shared = {"status": options.fail_status, "retry_after": options.retry_after}
    faults = []
    if options.fail_every is not None:
        faults.append(Fault(every=options.fail_every, **shared))
    if options.fail_rate is not None:
        faults.append(Fault(probability=options.fail_rate, seed=options.seed, **shared))
    return faults


def _capacity(options: argparse.Namespace) -> Capacity | None:
    if options.parallel is None and options.loading is None:
        return None
    return Capacity(parallel=options.parallel or 1, loading=options.loading or 0.0)


def _table(file: Path) -> dict[str, str | float]:
    try:
        found = _json.loads(file.read_bytes())
    except (OSError, _json.JSONDecodeError) as error:
        raise ConfigurationError(f"--table {file}: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"--table {file}: a JSON object of questions and numbers, got {type(found).__name__}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a server until Ctrl-C or SIGTERM; print a line with its URL and, at the end, one for each model's counts."""
    parser = _parser()
    options = parser.parse_args(arguments)
    stop = threading.Event()
    try:
        law = None if options.base is None else Law(base=options.base)
        server = (LlamaCppServer if options.llama_cpp else OllamaServer)(
            options.port,
            options.latency,
            _faults(options),
            ArithmeticModel(law) if options.table is None else TableModel(_table(options.table), law=law),
            options.models,
            host=options.host,
            keep=0,  # it may run for days
            capacity=_capacity(options),
        ).start()
    except ConfigurationError as error:
        parser.exit(2, f"{error}\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"stand-in {'llama.cpp' if options.llama_cpp else 'Ollama'} server at {server.url}", flush=True)
    stop.wait()
    server.stop()
    for name, counts in sorted(server.requests.models.items()):
        tokens = f"{counts.prompt_tokens} prompt and {counts.completion_tokens} completion tokens"
        print(f"{name}: {counts.calls} answers, {tokens}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
