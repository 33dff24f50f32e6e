"""What the driver of a distributed run and its workers say to each other.

To a worker go samples to call and rows to score, answers to the calls that these make, and attempts to send. From it
come results, calls, what attempts gave, and warnings. All of it can be pickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks._json import Json, JsonObject
from synalinks.lm import Call, Client, Delta, Reply, Request
from synalinks.lm.core.call import Check
from synalinks.lm.core.place import Scope
from synalinks.lm.core.rate_limit import RateLimitStatus

#: The trained fields of variables, by path of the variable.
Values = Mapping[str, Mapping[str, Json]]


# --- to a worker -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One thing for a replica to do.

    Attributes:
        number: of the job in its run.
        version: of the variables that it needs.
        scope: the place it is done at.
    """

    number: int
    version: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class CallSample(Job):
    """Call the program with an input."""

    x: Any
    training: bool


@dataclass(frozen=True, slots=True)
class ScoreRow(Job):
    """Score the outputs of one sample; of each the number of its reward, the target and the prediction."""

    row: Sequence[tuple[int, Any, Any]]


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Give up a job."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How the call `number` of a worker ended: a reply, or an error."""

    number: int
    reply: Reply | None
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer: to a worker of the call `number`, from it of the attempt `number`."""

    number: int
    delta: Delta


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send a request to a provider.

    Attributes:
        number: of the attempt in its run.
        origin: names the client; `client` is it, where the worker does not have it yet.
        endpoint: URL of the server, which the environment may have named in the driver alone.
        call: without what stays in the driver.
        streams: whether pieces of the answer are wanted.
    """

    number: int
    origin: str
    client: Client | None
    endpoint: str
    call: Call
    streams: bool


@dataclass(frozen=True, slots=True)
class CancelAttempt:
    """Give up an attempt."""

    number: int


# --- from a worker -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of a model, made in a job.

    Attributes:
        job: its number; `number` is that of the call at this worker.
        origin: names the client; `client` is it, where the driver does not have it yet.
        request, scope, is_fallback, check: of the call, see `Call`.
        streams: whether pieces of the answer are wanted.
    """

    job: int
    number: int
    origin: str
    client: Client | None
    request: Request
    scope: Scope
    is_fallback: bool
    check: Check | None
    streams: bool


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The program gave up the call `number` of a job."""

    job: int
    number: int


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended.

    Attributes:
        value: the prediction, or the rewards.
        records: predictions to be recorded, by path of the variable.
        error: what the job raised, or None.
        of_call: the number of the call whose error it is; None for one of the worker's own.
    """

    number: int
    value: Any = None
    records: Mapping[str, Sequence[JsonObject]] | None = None
    error: BaseException | None = None
    of_call: int | None = None


@dataclass(frozen=True, slots=True)
class Attempted:
    """What an attempt gave: a reply or an error; and what the provider said of its limits."""

    number: int
    reply: Reply | None
    error: BaseException | None
    status: RateLimitStatus | None


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that failed for good, in a job: what a warning says of it."""

    job: int
    model: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning in a job."""

    job: int
    message: Warning | str
    category: type[Warning]
    filename: str
    line: int


ToWorker = Job | CancelJob | Answer | Piece | Attempt | CancelAttempt
FromWorker = Asked | Withdrawn | Done | Attempted | Piece | FailedCall | Warned
