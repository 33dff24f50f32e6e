"""The table of operational metrics: what each adds up over the calls of a run, and what it is divided by.

A class of `classes.py` is made of every row and every phase that the row has. What an entry of the ledger adds to a
sum is in `ENTRY_AMOUNTS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Phase = Literal["", "Reward", "Optimizer"]
#: Calls of these phases are not the program's own work; all others are.
OTHERS = frozenset({"reward", "optimizer", "metric"})
EVERY: tuple[Phase, ...] = ("", "Reward", "Optimizer")
OWN: tuple[Phase, ...] = ("",)


# Some sums are no sums over entries; `window.Window` makes them.
# `busy`: seconds in which at least one call was under way. `trajectories`: invocations that streamed, and
# `trajectory_first` the seconds from their first call to their first piece.
#: Sums over the invocations of a program: how many, their seconds, and seconds in which at least one was under way.
OF_PROGRAM = frozenset({"invocations", "elapsed", "wall"})


@dataclass(frozen=True, slots=True)
class Row:
    """One operational metric, in all its phases.

    Attributes:
        name: of the class; `{}` stands for the phase.
        numerator, denominator: sums, named as in `ENTRY_AMOUNTS` and above; the metric is their ratio, or the numerator
            alone.
        unit: what it is measured in.
        says: what it is; `{calls}` stands for the calls in question.
        direction: `up` where more is better, else `down`.
        phases: those it has.
    """

    name: str
    numerator: str
    denominator: str | None
    unit: str
    says: str
    direction: Literal["up", "down"] = "down"
    phases: tuple[Phase, ...] = EVERY

    @property
    def sums(self) -> tuple[str, ...]:
        """The sums it needs."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)


CHAT = (
    Row("{}Cost", "usd", None, "USD", "Dollars of {calls}, failed attempts included"),
    Row("{}InputTokens", "input", None, "tokens", "Prompt tokens of {calls}, cached ones included"),
    Row("{}OutputTokens", "output", None, "tokens", "Tokens of the answers to {calls}, reasoning included"),
    Row("{}TotalTokens", "total", None, "tokens", "Prompt and answer tokens of {calls}"),
    Row("{}CachedTokens", "cached", None, "tokens", "Prompt tokens of {calls} that the provider had cached", "up"),
    Row("{}CacheCreationTokens", "written", None, "tokens", "Prompt tokens of {calls} that the provider cached"),
    Row("{}ReasoningTokens", "reasoning", None, "tokens", "Tokens of thinking in {calls}"),
    Row("{}CacheHitRate", "cached", "input", "0 to 1", "Share of {calls}' prompt tokens that were cached", "up"),
    Row("{}ReasoningTokenShare", "reasoning", "output", "0 to 1", "Share of thinking in the answer tokens of {calls}"),
    Row("{}FailedCalls", "failed", None, "calls", "How many of {calls} failed for good"),
    Row("{}ErrorRate", "failed", "calls", "0 to 1", "Share of {calls} that failed for good"),
    Row("{}FallbackActivations", "stand_ins", None, "calls", "How many of {calls} a fallback was asked"),
    Row("{}Throughput", "calls", "busy", "calls per second", "Rate of {calls} while there are any", "up"),
    Row("{}TokensPerSecond", "timed_output", "seconds", "tokens per second", "Speed of the answers to {calls}", "up"),
    Row("Avg{}CostPerCall", "usd", "answers", "USD", "Dollars per answer to {calls}"),
    Row("Avg{}InputTokensPerCall", "input", "answers", "tokens", "Prompt tokens per answer to {calls}"),
    Row("Avg{}OutputTokensPerCall", "output", "answers", "tokens", "Answer tokens per answer to {calls}"),
    Row("Avg{}TotalTokensPerCall", "total", "answers", "tokens", "Prompt and answer tokens per answer to {calls}"),
    Row("Avg{}CachedTokensPerCall", "cached", "answers", "tokens", "Cached prompt tokens per answer to {calls}", "up"),
    Row("Avg{}CacheCreationTokensPerCall", "written", "answers", "tokens", "Tokens cached per answer to {calls}"),
    Row("Avg{}ReasoningTokensPerCall", "reasoning", "answers", "tokens", "Tokens of thinking per answer to {calls}"),
    Row("Avg{}Latency", "seconds", "timed", "seconds", "Time the provider took per answer to {calls}"),
    Row("AvgTimeToFirstToken", "first_token", "streamed", "seconds", "Time to the first piece of {calls}", phases=OWN),
    Row("AvgTimeToLastToken", "last_token", "streamed", "seconds", "Time to the last piece of {calls}", phases=OWN),
    Row(
        "AvgTrajectoryTimeToFirstToken", "trajectory_first", "trajectories", "seconds",
        "Time from the first of {calls} for a sample to its first streamed piece", phases=OWN,
    ),
)  # fmt: skip
EMBEDDING = (
    Row("{}EmbeddingCost", "usd", None, "USD", "Dollars of {calls}, failed attempts included"),
    Row("{}EmbeddingTokens", "input", None, "tokens", "Tokens of the texts of {calls}"),
    Row("{}EmbeddingVectors", "vectors", None, "vectors", "Vectors of {calls}"),
    Row("{}EmbeddingCachedTokens", "cached", None, "tokens", "Tokens of {calls} that the provider had cached", "up"),
    Row("{}EmbeddingCacheHitRate", "cached", "input", "0 to 1", "Share of {calls}' tokens that were cached", "up"),
    Row("{}EmbeddingFailedCalls", "failed", None, "calls", "How many of {calls} failed for good"),
    Row("{}EmbeddingErrorRate", "failed", "calls", "0 to 1", "Share of {calls} that failed for good"),
    Row("{}EmbeddingFallbackActivations", "stand_ins", None, "calls", "How many of {calls} a fallback was asked"),
    Row("{}EmbeddingThroughput", "calls", "busy", "calls per second", "Rate of {calls} while there are any", "up"),
    Row("{}EmbeddingTokensPerSecond", "timed_input", "seconds", "tokens per second", "Speed of {calls}", "up"),
    Row("{}EmbeddingVectorsPerSecond", "timed_vectors", "seconds", "vectors per second", "Speed of {calls}", "up"),
    Row("Avg{}EmbeddingCostPerCall", "usd", "answers", "USD", "Dollars per answer to {calls}"),
    Row("Avg{}EmbeddingTokensPerCall", "input", "answers", "tokens", "Tokens per answer to {calls}"),
    Row("Avg{}EmbeddingVectorsPerCall", "vectors", "answers", "vectors", "Vectors per answer to {calls}"),
    Row("Avg{}EmbeddingCachedTokensPerCall", "cached", "answers", "tokens", "Cached ones per answer to {calls}", "up"),
    Row("Avg{}EmbeddingLatency", "seconds", "timed", "seconds", "Time the provider took per answer to {calls}"),
)  # fmt: skip
PROGRAM = (
    Row("ProgramCalls", "invocations", None, "samples", "How often the program was called", "up", OWN),
    Row("ProgramElapsedTime", "elapsed", None, "seconds", "Seconds of the program's calls, added up", phases=OWN),
    Row("ProgramCallsPerSecond", "invocations", "wall", "samples per second", "Rate of the program's calls", "up", OWN),
    Row("ProgramCost", "usd", None, "USD", "Dollars of {calls}, failed attempts included", phases=OWN),
    Row("ProgramAvgCostPerInvocation", "usd", "invocations", "USD", "Dollars per call of the program", phases=OWN),
)


#: Rows by their name, `{}` included.
def classes() -> Iterator[tuple[str, str, Row]]:
    """The name of every class, the name of its base, and its row."""
    for kind, rows in (("LM", CHAT), ("EmbeddingModel", EMBEDDING)):
        for row in rows:
            for phase in row.phases:
                yield row.name.format(phase), f"{kind}{phase + 's' if phase else ''}OperationalMetric", row
    for row in PROGRAM:
        yield row.name, "ProgramOperationalMetric", row


#: The row of each class, by its name.
ROW_OF = {name: row for name, _, row in classes()}
