"""Figures from workloads: a narrow range where lengths were measured, a wide one where they were guessed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import Decimal

from synalinks.lm.core.call import Usage
from synalinks.lm.forecast.priors import LONG, SHORT, Priors, quantile
from synalinks.lm.forecast.ranges import NO_MONEY, Figures, Range, Row, summed
from synalinks.lm.forecast.workload import Group, WorkloadRange
from synalinks.lm.pricing.pricing import FREE, Price, price_of

#: Tokens of a prompt over the tokens that `count_prompt` counts, at least and at most, for a model without usage
#: statistics: the range in the recordings of real providers, prompts of under 30 tokens left out.
PROMPT_LOW, PROMPT_HIGH = 0.7, 1.45
#: Tokens that a provider adds to a prompt at the most, beyond its schema.
PROMPT_EXTRA = 24
#: The factor between the guessed length of an answer and its bounds, and the tokens added to the upper bound.
GUESS, GUESS_EXTRA = 5.0, 16
#: The relative difference between the mean of measured lengths and that in another phase or on other data.
DRIFT = 0.2
#: The length of an optimizer's proposals over that of measured ones, at most: each generation adds to the last.
GROWTH = 1.5
#: Calls up to which the high figure takes the longest measured answer for all of them; beyond, the 95th percentile.
FEW = 20
#: The share of tokens that failed attempts add, at least: one attempt in twenty fails.
FAILED = 0.05
#: Tokens of the shortest prompt that a provider's own cache keeps (OpenAI and Anthropic).
CACHEABLE = 1024
#: The order of phases in a run.
PHASES = ("train", "reward", "optimizer", "candidate", "validation", "metric", "evaluate", "predict")


def figures_of(group: Group, workload: WorkloadRange, priors: Priors) -> Figures:
    """Calls, tokens and dollars of one group."""
    low, expected, high = workload.low, workload.expected, workload.high
    stored = priors.stored[group.model, group.phase, group.module]
    sent = max(0.0, low.calls - stored)
    calls = _whole(sent, expected.calls, high.calls)
    share = calls.low / low.calls if low.calls else 0.0
    error = None if workload.guessed_prompt else priors.counting_error(group.model)
    down, up = (PROMPT_LOW, PROMPT_HIGH) if error is None else (1 - error, 1 + error)
    most_in = high.inputs * up
    if error is None and group.kind == "chat":
        most_in += PROMPT_HIGH * high.schema + PROMPT_EXTRA * high.calls
    failed = 1.0 + max(FAILED, 2 * (priors.failed(group.model) or 0.0))
    prompts = _whole(low.inputs * share * down, expected.inputs, most_in * failed)
    shortest, longest = _answers(group, workload, priors, calls)
    answers = _whole(calls.low * shortest, expected.outputs, calls.high * longest * failed)
    price = _price(group, workload)
    priced = _dollars(price, priors.seconds(group.model), calls, prompts, answers)
    return Figures(calls, prompts, answers, priced or NO_MONEY, priced is None and calls.high > 0)


def _price(group: Group, workload: WorkloadRange) -> Price | None:
    """The price of a group's calls: none known, none to pay at this server, or that of the model."""
    if workload.unpriced:
        return None
    price = price_of(group.model)
    return FREE if workload.free and price is not None and not price.per_hour else price


def _answers(group: Group, workload: WorkloadRange, priors: Priors, calls: Range[int]) -> tuple[float, float]:
    """Tokens of an answer, at least and at most."""
    if group.kind != "chat" or not (workload.expected.calls or workload.high.calls):
        return 0.0, 0.0
    measured = workload.expected if workload.expected.calls else workload.high
    mean = measured.outputs / measured.calls
    lengths = priors.lengths(group.model, group.module)
    if workload.stated and not workload.guessed_answer:
        return mean, mean
    if workload.guessed_answer or not lengths:
        return mean / GUESS, mean * GUESS + GUESS_EXTRA
    longest = lengths[-1] if calls.high <= FEW else quantile(lengths, LONG)
    grown = GROWTH if group.phase == "optimizer" else 1.0
    return min(quantile(lengths, SHORT), mean * (1 - DRIFT)), grown * max(longest, mean * (1 + DRIFT))


def _whole(low: float, expected: float, high: float) -> Range[int]:
    """A range of whole numbers, low <= expected <= high."""
    middle = round(expected)
    return Range(min(math.floor(low + 1e-9), middle), middle, max(math.ceil(high - 1e-9), middle))


def _dollars(
    price: Price | None, seconds: float | None, calls: Range[int], prompts: Range[int], answers: Range[int]
) -> Range[Decimal] | None:
    """Dollars; None if the price, or a time it depends on, is unknown."""
    found = []
    for name in ("low", "expected", "high"):
        count = getattr(calls, name)
        amount = _cost(price, seconds, count, getattr(prompts, name), getattr(answers, name), name == "low")
        if amount is None:
            return None
        found.append(amount)
    return Range(min(found), found[1], max(found))


def _cost(
    price: Price | None, seconds: float | None, calls: int, prompts: int, answers: int, low: bool
) -> Decimal | None:
    """Dollars of `calls` calls with `prompts` and `answers` tokens in all; None if unknown."""
    if price is None:
        return None
    if not calls or price.is_free:
        return Decimal(0)
    each = prompts // calls
    usage = Usage(input_fresh=each, output_text=answers // calls)
    if low and price.cache_read is not None and each >= CACHEABLE:
        usage = Usage(input_cache_read=each, input_fresh=0, output_text=answers // calls)
    cost = price.cost(usage, seconds)
    return None if cost is None else cost * calls


def rows_of(workloads: Iterable[tuple[Group, WorkloadRange]], priors: Priors) -> tuple[Row, ...]:
    """Rows by phase, in the order of a run, and by model."""
    found: dict[tuple[str | None, str], list[Figures]] = {}
    for group, workload in workloads:
        found.setdefault((group.phase, group.model), []).append(figures_of(group, workload, priors))
    return ordered(Row(phase, model, summed(figures)) for (phase, model), figures in found.items())


def ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows in the order of a run."""
    return tuple(sorted(rows, key=lambda row: (_order(row.phase), row.model)))


def _order(phase: str | None) -> tuple[int, str]:
    return (PHASES.index(phase), "") if phase in PHASES else (len(PHASES) if phase else -1, phase or "")


def notes_of(workloads: Iterable[tuple[Group, WorkloadRange]], priors: Priors) -> tuple[str, ...]:
    """The sources of the figures, as sentences."""
    workloads = list(workloads)
    chats = [(group, workload) for group, workload in workloads if group.kind == "chat"]
    measured = _names(chats, lambda workload: not workload.guessed_answer and not workload.stated)
    guessed = _names(chats, lambda workload: workload.guessed_answer)
    stored = sum(
        min(priors.stored[group.model, group.phase, group.module], round(workload.expected.calls))
        for group, workload in workloads
    )
    found = []
    if stored:
        found.append(f"Stored: cache or cassette may answer {stored:,} of these calls; the low figures leave them out.")
    if measured:
        found.append(f"Measured in earlier answers: the lengths of {measured}.")
    if guessed:
        found.append(
            f"Guessed, within a factor of {GUESS:.0f}: the lengths of {guessed}. A cassette or a short run gives "
            "measured ones; a model that reasons before it answers needs many times more."
        )
    unknown = (group.model for group, workload in workloads if workload.high.calls and _price(group, workload) is None)
    if unpriced := sorted(set(unknown)):
        found.append(f"Unpriced: {', '.join(unpriced)}; synalinks.set_price states a price.")
    return tuple(found)


#: Names in a note; more are counted.
_NAMED = 3


def _names(chats: Iterable[tuple[Group, WorkloadRange]], wanted: Callable[[WorkloadRange], bool]) -> str:
    names = list(
        dict.fromkeys(
            f"{group.model}'s answers to {group.module or 'direct calls'}"
            for group, workload in chats
            if wanted(workload)
        )
    )
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
