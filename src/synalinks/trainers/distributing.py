"""Where the samples of a run are called and scored: in this process, or where a distribution has replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from synalinks.errors import ConfigurationError
from synalinks.lm import current_run

#: The number of a reward among those of `compile`, a target and a prediction.
Scored = tuple[int, Any, Any]


class Runner(Protocol):
    """Calls and scores samples of one run, from the place of the running task."""

    async def call(self, x: Any, training: bool) -> Any:
        """What the program makes of an input."""

    async def reward(self, row: Sequence[Scored]) -> list[float]:
        """The rewards of one sample's outputs; shapes: `(outputs,)` each."""


class Distribution(Protocol):
    """Processes that samples can be called in."""

    def open(self, program: Any, rewards: Sequence[Any]) -> AbstractAsyncContextManager[Runner]:
        """A block in which the processes have replicas of a built program and its rewards."""


_current: ContextVar[Distribution | None] = ContextVar("synalinks_distribution", default=None)


@contextmanager
def use_distribution(distribution: Distribution | None) -> Iterator[Distribution | None]:
    """Have `fit`, `evaluate` and `predict` inside the block call and score samples where a distribution has replicas.

    Args:
        distribution: such as `synalinks.distribution.Ray`; None calls them in this process.

    Raises:
        ConfigurationError: something that is no distribution.

    Example:
        >>> with synalinks.use_distribution(None) as distribution:
        ...     print(distribution)
        None
    """
    token = _current.set(_checked(distribution))
    try:
        yield distribution
    finally:
        _current.reset(token)


@asynccontextmanager
async def runner_of(
    program: object, rewards: Sequence[object], given: Distribution | None
) -> AsyncIterator[Runner | None]:
    """A block with the runner of a run; None where its samples are called in this process.

    A run whose answers are invented, such as an estimate, is not distributed.
    """
    chosen = _checked(given) or _current.get()
    if chosen is None or current_run().is_simulated:
        yield None
        return
    async with chosen.open(program, rewards) as runner:
        yield runner


def _checked(given: Distribution | None) -> Distribution | None:
    if given is not None and not callable(getattr(given, "open", None)):
        raise ConfigurationError(
            f"distribution={given!r}: give a distribution such as synalinks.distribution.Ray(workers=4), or None"
        )
    return given
