"""What a stand-in server does with a request: routes, failures, latency and answers. No sockets here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from time import perf_counter_ns
from typing import Any

from synalinks.testing.fake_models import words as _words
from synalinks.testing.fake_models.chat import ChatRequest, Model
from synalinks.testing.fake_server import completion as _completion
from synalinks.testing.fake_server import dialect as _dialect
from synalinks.testing.fake_server import openai as _openai
from synalinks.testing.fake_server import pulling as _pulling
from synalinks.testing.fake_server.capacity import Capacity, Scheduler, Visit
from synalinks.testing.fake_server.dialect import ChatAnswer, NativeAnswer, RefusalError, dump
from synalinks.testing.fake_server.facts import MODEL, facts
from synalinks.testing.fake_server.faults import Fault, FaultSchedule
from synalinks.testing.fake_server.http import Exchange
from synalinks.testing.fake_server.log import RecordedRequest, RequestLog
from synalinks.testing.fake_server.shelf import Shelf, tagged

NDJSON = "application/x-ndjson"
TEXT = "text/plain"
#: Requests for an answer, and all requests to a model, which are numbered.
CHAT_PATHS = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions")
MODEL_PATHS = (*CHAT_PATHS, "/api/embed", "/api/embeddings", "/v1/embeddings")
#: Path -> methods it takes.
ROUTES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(MODEL_PATHS, ("POST",)),
    "/api/show": ("POST",),
    "/api/pull": ("POST",),
    "/api/tags": ("GET", "HEAD"),
    "/v1/models": ("GET",),
    "/api/ps": ("GET",),
    "/api/version": ("GET", "HEAD"),
    "/": ("GET", "HEAD"),
}
#: The paths of llama.cpp's server, which has no list of models to fetch and none of Ollama's own paths.
LLAMA_CPP_ROUTES: dict[str, tuple[str, ...]] = {
    **{path: methods for path, methods in ROUTES.items() if path.startswith(_openai.ROOT)},
    **dict.fromkeys(("/props", "/slots", "/health"), ("GET",)),
}
#: A body of each chat path as one of `/api/chat`.
_NATIVE: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "/api/generate": _completion.native,
    "/v1/chat/completions": _openai.native,
    "/v1/completions": _completion.native_of_openai,
}
NANOSECONDS = 1_000_000_000
_EMPTY = {"role": "assistant", "content": ""}

Latency = float | Callable[[int], float]


class Service:
    """The answering half of a server: all of it runs on the server's own event loop.

    A call that was refused, dropped or broken takes no draw of its prompt: the answers that do come are the
    same with failures and without. So do those that were cut short or garbled by a fault.
    """

    def __init__(
        self,
        model: Model,
        shelf: Shelf,
        faults: FaultSchedule,
        latency: Latency,
        keep: int | None,
        pace: float = 0.0,
        capacity: Capacity | None = None,
        routes: Mapping[str, tuple[str, ...]] = ROUTES,
    ) -> None:
        self._model = model
        self._shelf = shelf
        self._faults = faults
        self.latency = latency
        self._pace = pace
        self._keep = keep
        self._routes = routes
        self._capacity = capacity
        self.tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Drop all requests, counts and draws; numbers begin at 1 again."""
        self.log = RequestLog(self._keep)
        self.in_flight = 0
        self.max_in_flight = 0
        self._asked: dict[bytes, int] = {}
        self.scheduler = None if self._capacity is None else Scheduler(self._capacity)

    # -------------------------------------------------------------- one request
    def answer(self, exchange: Exchange) -> None:
        """Answer a request, now if nothing has to be waited for, else in a task."""
        started = perf_counter_ns()
        record = RecordedRequest(0, exchange.method, exchange.path, exchange.body)
        log = self.log
        log.add(record)
        path = MODEL[:-1] if exchange.path.startswith(MODEL) else exchange.path
        methods = self._routes.get(path)
        if methods is None or exchange.method not in methods:
            status, words = (404, "404 page not found") if methods is None else (405, "405 method not allowed")
            log.close(record, status)
            exchange.respond(status, words.encode(), kind=TEXT)
            return
        if exchange.path not in MODEL_PATHS:
            self._side_route(exchange, record)
            return
        log.number += 1
        record.number = log.number
        record.fault = fault = self._faults.pick(record.number, record.path)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        wait = self.latency(record.number) if callable(self.latency) else self.latency
        wait += fault.delay if fault is not None else 0.0
        if wait > 0 or self.scheduler is not None:
            self._later(wait, exchange, record, started)
        else:
            self._finish(exchange, record, started)

    def _later(self, wait: float, exchange: Exchange, record: RecordedRequest, started: int) -> None:
        log = self.log

        async def run() -> None:
            try:
                async with AsyncExitStack() as stack:
                    if (place := self._place(exchange)) is not None:
                        visit = await stack.enter_async_context(place)
                        record.loading, record.queued = visit.loading, visit.queued
                    await asyncio.sleep(wait)
            except RefusalError as refusal:
                self._leave(log)
                log.close(record, refusal.status)
                exchange.respond(refusal.status, _error(exchange, refusal.status, str(refusal)))
                return
            self._finish(exchange, record, started)

        def done(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            if task.cancelled():  # the client has left, or the server stops
                self._leave(log)
                log.close(record, None)
            elif (error := task.exception()) is not None:  # a bug of the model: the loop reports it
                exchange.reset()
                raise error

        task = asyncio.get_running_loop().create_task(run())
        self.tasks.add(task)
        task.add_done_callback(done)
        exchange.on_gone = task.cancel

    def _place(self, exchange: Exchange) -> AbstractAsyncContextManager[Visit] | None:
        """A slot of the model that a request is for; None for requests that are refused, and without a capacity."""
        if self.scheduler is None:
            return None
        try:
            body = _dialect.decode(exchange.body)
            self._shelf.abilities(body)
        except RefusalError:
            return None
        return self.scheduler.slot(tagged(str(body.get("model"))), body.get("keep_alive"))

    def _leave(self, log: RequestLog) -> None:
        if log is self.log:  # else `reset` came between, and set it to 0
            self.in_flight -= 1

    def _finish(self, exchange: Exchange, record: RecordedRequest, started: int) -> None:
        log = self.log
        self._leave(log)
        if exchange.gone:
            log.close(record, None)
            return
        fault = record.fault
        if fault is not None and self._failed(exchange, record, fault):
            return
        try:
            body = _dialect.decode(exchange.body)
            record.model = str(body.get("model"))
            if exchange.path in CHAT_PATHS:
                self._chat(exchange, record, body, started)
            else:
                self._embed(exchange, record, body, started)
        except RefusalError as refusal:
            log.close(record, refusal.status)
            exchange.respond(refusal.status, _error(exchange, refusal.status, str(refusal)))

    def _failed(self, exchange: Exchange, record: RecordedRequest, fault: Fault) -> bool:
        """Whether the fault took the place of an answer; what strikes midway does so later."""
        if fault.answers or (fault.midway and (fault.drop or fault.status is not None)):
            return False
        if fault.drop:
            self.log.close(record, None)
            exchange.reset()
        elif fault.broken_body:
            self.log.close(record, 200)
            exchange.respond(200, b'{"model":"stand-in","created_at":"2026-')
        else:
            self._refuse(exchange, record, fault)
        return True

    def _refuse(self, exchange: Exchange, record: RecordedRequest, fault: Fault) -> None:
        assert fault.status is not None
        headers = list(fault.headers.items())
        if fault.retry_after is not None:
            headers.append(("Retry-After", f"{fault.retry_after:g}"))
        self.log.close(record, fault.status)
        exchange.respond(fault.status, _error(exchange, fault.status, fault.error), headers=headers)

    def _side_route(self, exchange: Exchange, record: RecordedRequest) -> None:
        kind, value = _dialect_kind(exchange.path), b""
        try:
            if exchange.path == "/api/pull":
                self._pull(exchange, record)
                return
            value = (
                b"Ollama is running"
                if exchange.path == "/"
                else dump(facts(exchange, record, self._shelf, self.scheduler))
            )
        except RefusalError as refusal:
            self.log.close(record, refusal.status)
            exchange.respond(refusal.status, _error(exchange, refusal.status, str(refusal)))
            return
        self.log.close(record, 200)
        exchange.respond(200, value, kind=kind)

    def _pull(self, exchange: Exchange, record: RecordedRequest) -> None:
        """Fetch a model from the library: a line for each step, or the last one only, as the request says."""
        body = _dialect.decode(exchange.body)
        record.model = name = _pulling.name_of(body)
        lines = _pulling.lines(self._shelf, name)
        if body.get("stream", True) is False:
            *_, last = lines
            self.log.close(record, 200)
            exchange.respond(200, dump(last))
            return
        self.log.close(record, 200)
        exchange.start(200, kind=NDJSON)
        try:
            for line in lines:
                exchange.write(dump(line) + b"\n")
        except RefusalError as refusal:
            exchange.write(dump({"error": str(refusal)}) + b"\n")
        exchange.finish()

    # -------------------------------------------------------------- chat
    def _chat(self, exchange: Exchange, record: RecordedRequest, body: dict[str, Any], started: int) -> None:
        counted = bool(body.get("stream_options"))
        if (native := _NATIVE.get(exchange.path)) is not None:
            body = native(body)
        request = _dialect.chat_request(body, self._shelf.abilities(body))
        fault, stream = record.fault, body.get("stream", True) is not False
        if not request.messages:
            reason = "unload" if body.get("keep_alive") == 0 else "load"
            said = {"response": ""} if exchange.path == "/api/generate" else {"message": _EMPTY}
            head = {"model": request.model, "created_at": _dialect.now()}
            self.log.close(record, 200)
            exchange.respond(200, dump(head | said | {"done": True, "done_reason": reason}))
            return
        midway = fault is not None and not fault.answers
        answer = self._ask(request, fault, started)
        if midway and not stream and fault is not None and not fault.drop:
            self._refuse(exchange, record, fault)
            return
        if not midway:  # before the last byte, so that a client with the answer finds it counted
            self.log.bill(record, answer.prompt_tokens, answer.completion_tokens)
        self.log.close(record, 200)
        answer.loading, answer.queued = int(record.loading * NANOSECONDS), int(record.queued * NANOSECONDS)
        shaped = _shaped(exchange.path, answer, record.number, counted)
        if stream:
            self._stream(exchange, shaped, fault if midway else None)
        elif midway:
            whole = shaped.whole()
            exchange.start(200, kind="application/json; charset=utf-8", length=len(whole))
            exchange.write(whole[: len(whole) // 2])
            exchange.cut()
        else:
            exchange.respond(200, shaped.whole())

    def _ask(self, request: ChatRequest, fault: Fault | None, started: int) -> ChatAnswer:
        """The model's answer; the draw is taken only if the answer will be sent as it is."""
        asked = self._asked.get(request.digest, 0)
        request.asked = asked
        reply = self._model(request)
        if fault is None or (fault.answers and not (fault.truncate or fault.broken_json)):
            self._asked[request.digest] = asked + 1
        answer = _dialect.chat_answer(request, reply, fault is not None and fault.truncate, started)
        if fault is not None and fault.broken_json:
            text = "Sure! Here is the answer: {" + "".join(answer.pieces)
            answer.pieces = _words.tokens(text)
            answer.completion_tokens = len(answer.pieces)
        return answer

    def _stream(self, exchange: Exchange, said: _openai.Answer | NativeAnswer, fault: Fault | None) -> None:
        """A stream of events, one chunk each, at the server's pace; a fault ends it half way."""
        as_openai = isinstance(said, _openai.Answer)
        exchange.start(200, kind=_openai.SSE if as_openai else NDJSON)
        events = list(said.events())
        if fault is not None:
            events = events[: len(events) // 2]
            if not fault.drop:
                words = dump({"error": fault.error})
                events.append(b"data: " + words + b"\n\n" if as_openai else words + b"\n")
        else:
            events.append(said.end())
        end = exchange.cut if fault is not None and fault.drop else exchange.finish
        if self._pace > 0:
            self._write_slowly(exchange, events, end)
            return
        for event in events:
            exchange.write(event)
        end()

    def _write_slowly(self, exchange: Exchange, events: list[bytes], end: Callable[[], None]) -> None:
        """Write events one by one, as long as the client is there."""

        async def run() -> None:
            for event in events:
                exchange.write(event)
                await asyncio.sleep(self._pace)
            end()

        task = asyncio.get_running_loop().create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        exchange.on_gone = task.cancel

    # -------------------------------------------------------------- embeddings
    def _embed(self, exchange: Exchange, record: RecordedRequest, body: dict[str, Any], started: int) -> None:
        missing = 'model "{}" not found, try pulling it first'
        legacy = exchange.path == "/api/embeddings"
        texts = [str(body.get("prompt") or "")] if legacy else _dialect.embed_texts(body)
        if "embedding" not in self._shelf.abilities(body, missing):
            raise RefusalError(501, "This server does not support embeddings. Start it with `--embeddings`")
        size = body.get("dimensions")
        vectors = [_words.embed(text, size if isinstance(size, int) and size > 0 else None) for text in texts]
        # A real server counts the two marks round each text; an empty text has only these.
        count = sum(_words.count_tokens(text) + 2 for text in texts)
        if texts:
            self.log.bill(record, 0 if legacy else count, 0, len(texts))
        self.log.close(record, 200)
        if exchange.path.startswith(_openai.ROOT):
            exchange.respond(200, dump(_openai.embeddings(body, vectors, count)))
            return
        if legacy:
            exchange.respond(200, dump({"embedding": vectors[0] if texts[0] else []}))
            return
        value: dict[str, Any] = {"model": record.model, "embeddings": vectors}
        if texts:
            elapsed = perf_counter_ns() - started
            loading = int(record.loading * NANOSECONDS) or min(elapsed // 2, _dialect.LOADED)
            value |= {"total_duration": elapsed, "load_duration": loading, "prompt_eval_count": count}
        exchange.respond(200, dump(value))


def _shaped(path: str, answer: ChatAnswer, number: int, counted: bool) -> _openai.Answer | NativeAnswer:
    """An answer in the shapes of a path."""
    if path.startswith(_openai.ROOT):
        kind = _completion.Completed if path == "/v1/completions" else _openai.Answer
        return kind(answer, number, counted)
    native = _completion.Generated if path == "/api/generate" else NativeAnswer
    return native(answer, perf_counter_ns() - answer.started)


def _error(exchange: Exchange, status: int, words: str) -> bytes:
    """An error in the form of the path's dialect."""
    as_openai = exchange.path.startswith(_openai.ROOT)
    return dump(_openai.error(status, words) if as_openai else {"error": words})


def _dialect_kind(path: str) -> str:
    return "text/plain; charset=utf-8" if path == "/" else "application/json; charset=utf-8"
