"""What a stand-in server has seen: its requests, and what it would bill, model by model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from synalinks import _json
from synalinks.testing.fake_server.faults import Fault


@dataclass(slots=True)
class RecordedRequest:
    """One request as it came, and what became of it.

    Attributes:
        number: of the requests to a model, counted from 1; 0 for all others (tags, version ...).
        method, path: of the HTTP request.
        data: the body as it came.
        model: the model asked, or None.
        status: the status answered; None while it is open, and for a connection that broke before one.
        answered: whether a whole answer with its counts was sent, so that it is in `models`.
        prompt_tokens, completion_tokens: as that answer said.
        fault: the fault that struck it, or None.
        loading, queued: seconds that it waited for its model to be loaded, and for a slot; 0 without a `Capacity`.
    """

    number: int
    method: str
    path: str
    data: bytes
    model: str | None = None
    status: int | None = None
    answered: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    fault: Fault | None = None
    loading: float = 0.0
    queued: float = 0.0

    @property
    def body(self) -> Any:
        """The body's JSON; None where there is none."""
        try:
            return _json.loads(self.data)
        except _json.JSONDecodeError:
            return None


@dataclass(slots=True)
class ModelCounts:
    """The calls of one model that were answered.

    Attributes:
        calls: answers sent whole, with their counts; one cut short or with broken text is among them.
        chats, embeds: the same, by kind.
        prompt_tokens, completion_tokens: as the answers said.
        texts: texts embedded.
    """

    calls: int = 0
    chats: int = 0
    embeds: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    texts: int = 0


class RequestLog(Sequence[RecordedRequest]):
    """The requests a server keeps, oldest first, and counts over all there were.

    Attributes:
        total: requests of every kind.
        number: requests to a model, failed ones included.
        models: counts by the name of the model, as it was asked.
        statuses: answers by status; None counts broken connections and clients that left.
    """

    def __init__(self, keep: int | None) -> None:
        self._kept: deque[RecordedRequest] = deque(maxlen=keep)
        self.total = 0
        self.number = 0
        self.models: dict[str, ModelCounts] = {}
        self.statuses: dict[int | None, int] = {}

    def add(self, request: RecordedRequest) -> None:
        """Keep a request that has come."""
        self.total += 1
        self._kept.append(request)

    def close(self, request: RecordedRequest, status: int | None) -> None:
        """Note what became of a request."""
        request.status = status
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def bill(self, request: RecordedRequest, prompt: int, completion: int, texts: int | None = None) -> None:
        """Count an answer; `texts` for embeddings."""
        request.answered = True
        request.prompt_tokens, request.completion_tokens = prompt, completion
        counts = self.models.setdefault(str(request.model), ModelCounts())
        counts.calls += 1
        counts.prompt_tokens += prompt
        counts.completion_tokens += completion
        if texts is None:
            counts.chats += 1
        else:
            counts.embeds += 1
            counts.texts += texts

    @property
    def answered(self) -> ModelCounts:
        """The counts of all models together."""
        whole = ModelCounts()
        for counts in list(self.models.values()):
            for name in ModelCounts.__slots__:
                setattr(whole, name, getattr(whole, name) + getattr(counts, name))
        return whole

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(list(self._kept))  # a copy, because the server's thread goes on adding

    @overload
    def __getitem__(self, index: int) -> RecordedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecordedRequest]: ...
    def __getitem__(self, index: int | slice) -> RecordedRequest | list[RecordedRequest]:
        return list(self._kept)[index]
