"""From synthetic calls to figures with a range: what is learnt is trusted closely, what is guessed is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from synalinks.lm.core.call import Usage
from synalinks.lm.forecast.forecast import NO_MONEY, Figures, Range, Row, summed
from synalinks.lm.forecast.priors import LONG, SHORT, Priors, quantile
from synalinks.lm.ledger.ledger import Entry
from synalinks.lm.pricing.pricing import Price, price_of

#: A prompt whose counting nobody taught has so many times the tokens that are counted, at least and at most: what the
#: recordings of real providers that this was checked against show, prompts of under 30 tokens left out.
PROMPT_LOW, PROMPT_HIGH = 0.7, 1.45
#: Tokens that a provider adds to a prompt at the most, beyond its schema: its own words on how to answer.
PROMPT_EXTRA = 24
#: The length of an answer that nobody taught lies between a fifth and five times the guess, and some tokens more.
GUESS, GUESS_EXTRA = 5.0, 16
#: The mean of learnt lengths may be so far off, in another phase or on other data.
DRIFT = 0.2
#: Proposals of an optimizer are at most so many times as long as those learnt from: each generation adds to the last.
GROWTH = 1.5
#: Up to so many calls the longest answer ever seen may be all of them; beyond, the 95th percentile is.
FEW = 20
#: Tokens that failed attempts add at the most where nothing is known: one attempt in twenty fails.
WASTE = 0.05
#: The share of the longest prompts that high leaves out.
LONG_PROMPT = 0.9
#: Prompts of at least so many tokens may be read from a provider's own cache (OpenAI's and Anthropic's least size).
CACHEABLE = 1024
#: The order of phases in a run.
PHASES = ("train", "reward", "optimizer", "candidate", "validation", "metric", "evaluate", "predict")


class Group(NamedTuple):
    """Calls that are alike."""

    phase: str | None
    model: str
    module: str | None
    kind: str


@dataclass
class Stat:
    """What was seen of a group of calls.

    Attributes:
        inputs, outputs: tokens, one per call. schema: tokens of the schemas, in all.
        guessed_prompt, guessed_answer: whether lengths were guessed; stated: whether those of answers were given.
        unpriced: whether the price of one is not known: of its model, or at the server it goes to.
        repeats: calls that asked for the single answer of a request once more.
    """

    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    schema: int = 0
    repeats: int = 0
    guessed_prompt: bool = False
    guessed_answer: bool = False
    stated: bool = False
    unpriced: bool = False

    @property
    def calls(self) -> int:
        """How many there were."""
        return len(self.inputs)

    def add(self, entry: Entry, seen: set[str]) -> None:
        """Take in a call; `seen` are the requests with a single answer that were asked before."""
        raw = entry.usage.raw or {}
        self.inputs.append(entry.usage.input_tokens or 0)
        self.outputs.append(entry.usage.output_tokens or 0)
        self.schema += int(raw.get("schema", 0))
        self.guessed_prompt |= raw.get("prompt") == "guessed"
        self.guessed_answer |= raw.get("answer") == "guessed"
        self.stated |= raw.get("answer") == "stated"
        self.unpriced |= entry.error is None and entry.as_if is None
        if raw.get("single"):
            self.repeats += entry.digest in seen
            seen.add(entry.digest)


def group_of(entry: Entry) -> Group:
    """The group of a call."""
    return Group(entry.scope.phase, entry.model, entry.scope.module, entry.kind)


@dataclass
class Load:
    """How much of a group a run has, in one scenario: calls, and the tokens of their prompts."""

    calls: float = 0.0
    inputs: float = 0.0
    schema: float = 0.0
    outputs: float = 0.0

    def add(self, calls: float, stat: Stat, *, longest: bool = False, tokens: float = 1.0) -> None:
        """Take in `calls` calls like those of `stat`.

        Args:
            longest: whether their prompts are like the long ones.
            tokens: how much longer the prompts are than those seen.
        """
        if not stat.calls:
            return
        mean = sum(stat.inputs) / stat.calls
        prompt = max(mean, quantile(sorted(stat.inputs), LONG_PROMPT)) if longest else mean
        self.calls += calls
        self.inputs += calls * prompt * tokens
        self.schema += calls * stat.schema / stat.calls
        self.outputs += calls * sum(stat.outputs) / stat.calls


@dataclass
class Loads:
    """A group's load in the low, the expected and the high scenario, and what its lengths rest on."""

    low: Load = field(default_factory=Load)
    expected: Load = field(default_factory=Load)
    high: Load = field(default_factory=Load)
    guessed_prompt: bool = False
    guessed_answer: bool = False
    stated: bool = False
    unpriced: bool = False

    def rest_on(self, stat: Stat) -> None:
        """Note where the lengths of a stat come from."""
        self.guessed_prompt |= stat.guessed_prompt
        self.guessed_answer |= stat.guessed_answer
        self.stated |= stat.stated
        self.unpriced |= stat.unpriced


def figures_of(group: Group, loads: Loads, priors: Priors) -> Figures:
    """The figures of a group."""
    low, expected, high = loads.low, loads.expected, loads.high
    kept = priors.kept[group.model, group.phase, group.module]
    asked = max(0.0, low.calls - kept)
    calls = _whole(asked, expected.calls, high.calls)
    share = calls.low / low.calls if low.calls else 0.0
    error = None if loads.guessed_prompt else priors.counting_error(group.model)
    down, up = (PROMPT_LOW, PROMPT_HIGH) if error is None else (1 - error, 1 + error)
    most_in = high.inputs * up
    if error is None and group.kind == "chat":
        most_in += PROMPT_HIGH * high.schema + PROMPT_EXTRA * high.calls
    waste = 1.0 + max(WASTE, 2 * (priors.waste(group.model) or 0.0))
    prompts = _whole(low.inputs * share * down, expected.inputs, most_in * waste)
    shortest, longest = _answers(group, loads, priors, calls)
    answers = _whole(calls.low * shortest, expected.outputs, calls.high * longest * waste)
    price = None if loads.unpriced else price_of(group.model)
    priced = _dollars(price, priors.seconds(group.model), calls, prompts, answers)
    return Figures(calls, prompts, answers, priced or NO_MONEY, priced is None and calls.high > 0)


def _answers(group: Group, loads: Loads, priors: Priors, calls: Range[int]) -> tuple[float, float]:
    """The length of an answer, tokens, at least and at most."""
    if group.kind != "chat" or not (loads.expected.calls or loads.high.calls):
        return 0.0, 0.0
    measured = loads.expected if loads.expected.calls else loads.high
    mean = measured.outputs / measured.calls
    lengths = priors.lengths(group.model, group.module)
    if loads.stated and not loads.guessed_answer:
        return mean, mean
    if loads.guessed_answer or not lengths:
        return mean / GUESS, mean * GUESS + GUESS_EXTRA
    longest = lengths[-1] if calls.high <= FEW else quantile(lengths, LONG)
    grown = GROWTH if group.phase == "optimizer" else 1.0
    return min(quantile(lengths, SHORT), mean * (1 - DRIFT)), grown * max(longest, mean * (1 + DRIFT))


def _whole(low: float, expected: float, high: float) -> Range[int]:
    """A range of whole numbers, in order."""
    middle = round(expected)
    return Range(min(math.floor(low + 1e-9), middle), middle, max(math.ceil(high - 1e-9), middle))


def _dollars(
    price: Price | None, seconds: float | None, calls: Range[int], prompts: Range[int], answers: Range[int]
) -> Range[Decimal] | None:
    """Dollars; None if the price, or a time it depends on, is not known."""
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
    """Dollars of so many calls with so many tokens in all; None if unknown."""
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


def rows_of(loads: Iterable[tuple[Group, Loads]], priors: Priors) -> tuple[Row, ...]:
    """Rows by phase, in the order of a run, and model."""
    found: dict[tuple[str | None, str], list[Figures]] = {}
    for group, load in loads:
        found.setdefault((group.phase, group.model), []).append(figures_of(group, load, priors))
    return ordered(Row(phase, model, summed(figures)) for (phase, model), figures in found.items())


def ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows in the order of a run."""
    return tuple(sorted(rows, key=lambda row: (_order(row.phase), row.model)))


def _order(phase: str | None) -> tuple[int, str]:
    return (PHASES.index(phase), "") if phase in PHASES else (len(PHASES) if phase else -1, phase or "")


def loads_of_run(entries: Iterable[Entry]) -> dict[Group, Loads]:
    """The loads of a run that was made once, synthetically: every call counts as it was made."""
    stats: dict[Group, Stat] = {}
    seen: set[str] = set()
    for entry in entries:
        stats.setdefault(group_of(entry), Stat()).add(entry, seen)
    found = {}
    for group, stat in stats.items():
        loads = found[group] = Loads()
        loads.rest_on(stat)
        loads.low.add(stat.calls - stat.repeats, stat)
        loads.expected.add(stat.calls, stat)
        loads.high.add(stat.calls, stat)
    return found


def notes_of(loads: Iterable[tuple[Group, Loads]], priors: Priors) -> tuple[str, ...]:
    """What the figures rest on, in words."""
    loads = list(loads)
    chats = [(group, load) for group, load in loads if group.kind == "chat"]
    learnt = _names(chats, lambda load: not load.guessed_answer and not load.stated)
    guessed = _names(chats, lambda load: load.guessed_answer)
    found = []
    if kept := sum(min(priors.kept[g.model, g.phase, g.module], round(load.expected.calls)) for g, load in loads):
        found.append(
            f"Cache or cassette may answer {kept:,} of these calls for nothing; expected figures leave that out."
        )
    if learnt:
        found.append(f"Learned from answers of before: the lengths of {learnt}.")
    if guessed:
        found.append(
            f"Guessed, from a fifth to five times: the lengths of {guessed}. A cassette or a short run teaches them; "
            "models that think before they answer need many times more."
        )
    unknown = (
        group.model for group, load in loads if load.high.calls and (load.unpriced or price_of(group.model) is None)
    )
    if unpriced := sorted(set(unknown)):
        found.append(f"Unpriced: {', '.join(unpriced)}; synalinks.set_price states a price.")
    return tuple(found)


#: Names in a note, before it says how many more there are.
_NAMED = 3


def _names(chats: Iterable[tuple[Group, Loads]], wanted: Callable[[Loads], bool]) -> str:
    names = list(
        dict.fromkeys(f"{g.model}'s answers to {g.module or 'direct calls'}" for g, load in chats if wanted(load))
    )
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
