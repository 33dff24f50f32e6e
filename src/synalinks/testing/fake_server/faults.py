"""The failure schedule of a stand-in server: which request fails, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from synalinks.errors import ConfigurationError

#: What a real Ollama server says with these codes.
MESSAGES = {
    429: "too many requests, please slow down",
    500: "an error was encountered while running the model: unexpected EOF",
    503: "server busy, please try again.  maximum pending requests exceeded",
}
_PHRASES = {status.value: status.phrase.lower() for status in HTTPStatus}


def uniform(*parts: object) -> float:
    """A number in [0, 1) that is a hash of `parts`: the same for the same parts, on every machine."""
    data = "\x1f".join(map(str, parts)).encode()
    return (int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 11) / (1 << 53)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule of failing: when, and what goes wrong.

    Requests to a model (chat and embeddings) are numbered from 1 as they arrive. A fault strikes at the
    number `at`, at the first `first` ones, at each multiple of `every`, or with `probability` (drawn from
    `seed` and the number, so a schedule is the same in every run).

    Example:
        >>> from synalinks.testing import Fault, OllamaServer
        >>> server = OllamaServer(faults=[Fault(first=2, status=503), Fault(every=10, drop=True)])

    Attributes:
        path: strikes only requests to this path, e.g. `"/api/embed"`; the numbers stay those of all paths.
        status: answer with this HTTP status and Ollama's words for it, or `message`.
        retry_after: seconds, sent as `Retry-After` with `status`.
        headers: further headers sent with `status`.
        drop: break the connection without an answer.
        midway: a streamed answer begins first, then breaks off (`drop`) or ends in an error line
            (`status`); an answer in one piece is cut in half with `drop`.
        broken_json: a whole answer whose text is not JSON, as a model without a grammar gives.
        broken_body: an HTTP body that is not JSON, as a failing proxy gives.
        truncate: an answer cut short, with `done_reason` "length".
        delay: seconds to wait first; alone, the answer is late and right.

    Raises:
        ConfigurationError: no time or no failure is named, or two failures.
    """

    at: int | None = None
    first: int | None = None
    every: int | None = None
    probability: float | None = None
    seed: int = 0
    path: str | None = None
    status: int | None = None
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    drop: bool = False
    midway: bool = False
    broken_json: bool = False
    broken_body: bool = False
    truncate: bool = False
    delay: float = 0.0

    def __post_init__(self) -> None:
        times = [name for name in ("at", "first", "every", "probability") if getattr(self, name) is not None]
        kinds = [
            name
            for name in ("status", "drop", "broken_json", "broken_body", "truncate")
            if getattr(self, name) not in (None, False)
        ]
        if len(times) != 1:
            raise ConfigurationError(
                f"a Fault needs one of at=, first=, every= or probability=, got {times or 'none of them'}"
            )
        if len(kinds) > 1 or not (kinds or self.delay):
            raise ConfigurationError(
                "a Fault needs one of status=, drop=, broken_json=, broken_body= or truncate=, or a delay=, "
                f"got {kinds or 'none of them'}"
            )
        if (self.retry_after is not None or self.headers or self.message is not None) and self.status is None:
            raise ConfigurationError(
                "retry_after=, headers= and message= go with status=: give the status of the answer, e.g. 429"
            )
        if (count := getattr(self, times[0])) <= 0:
            raise ConfigurationError(f"Fault({times[0]}=...) must be above 0, got {count!r}")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ConfigurationError(f"Fault(status=...) is an error status, 400 to 599, got {self.status!r}")

    def applies(self, number: int, path: str) -> bool:
        """Whether the request with this number, counted from 1, to this path fails."""
        if self.path is not None and path != self.path:
            return False
        if self.at is not None:
            return number == self.at
        if self.first is not None:
            return number <= self.first
        if self.every is not None:
            return number % self.every == 0
        return self.probability is not None and uniform(self.seed, number, "fault") < self.probability

    @property
    def error(self) -> str:
        """The server's words."""
        if self.message is not None:
            return self.message
        status = self.status or 500
        if status in MESSAGES:
            return MESSAGES[status]
        return _PHRASES.get(status, f"status {status}")

    @property
    def answers(self) -> bool:
        """Whether a model's answer is sent all the same: whole, broken or cut, but with its counts."""
        return self.status is None and not self.drop and not self.broken_body


class FaultSchedule:
    """Faults in order of precedence: the first that strikes a request is the one it gets."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        for fault in self.faults:
            if not isinstance(fault, Fault):
                raise ConfigurationError(f"faults= takes Fault(...) objects, got {fault!r}")

    def pick(self, number: int, path: str) -> Fault | None:
        """The fault of the request with this number, or None."""
        for fault in self.faults:
            if fault.applies(number, path):
                return fault
        return None
