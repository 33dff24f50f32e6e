"""The cap on an answer's tokens where the caller gave none: the first, a lower or a larger one after it was of no use.

A cap of this layer makes no request fail that would succeed without it. One that the server refuses as too high is
replaced by a lower one, for free, and the model's limit is remembered. An answer that a cap cut short is fetched anew
with a larger one, as far as the budget and the model allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from synalinks.lm.budget.schema_bound import longest
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, Needs
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.errors import LMError
from synalinks.lm.pricing.limits import OutputLimits, is_reasoning_model, lower_cap

#: The first cap, as long as nothing is known of such answers: long for an answer without reasoning, and a few
#: cents of a large model.
FIRST_CAP = 4096
#: How many times what such answers rarely go over a cap is, and its least.
ROOMY, LEAST_CAP = 2, 128
#: How many times larger the next cap is, after one that cut an answer.
LARGER = 4
#: The largest cap of a model whose limit is not known.
LARGEST = 131_072
#: Options that make a model reason before it answers.
_THINKING = frozenset({"reasoning_effort", "reasoning", "thinking", "think", "thinking_config", "thinkingConfig"})


def first_cap(request: Request, usual: int | None, limits: OutputLimits) -> int:
    """The most answer tokens that are worth a reservation at first.

    Args:
        usual: what such answers rarely go over, or None.
        limits: of models.
    """
    if usual is not None:
        cap = max(LEAST_CAP, ROOMY * usual)
    elif is_reasoning_model(request.model) or not _THINKING.isdisjoint(request.options):
        cap = OUTPUT_ALLOWANCE
    else:
        cap = FIRST_CAP
        size = None if request.schema is None or request.tools else longest(request.schema)
        if size is not None:  # a token is a byte at least; the rest is for blanks, which a schema does not bound
            cap = min(cap, LEAST_CAP + 2 * size)
    limit = limits.of(request.model)
    return cap if limit is None else min(cap, limit)


def next_cap(
    call: Call, outcome: Reply | LMError, needs: Needs, trackers: Sequence[BudgetTracker], limits: OutputLimits
) -> int | None:
    """The cap to try next after one of this layer's made a call fail or cut its answer; None where that is not so, or
    no other is of use.

    Args:
        call: as it was sent, with its cap.
    """
    cap, model = call.output_cap, call.request.model
    if cap is None:
        return None
    if isinstance(outcome, LMError) and (found := lower_cap(outcome, cap)) is not None:
        lower, is_limit = found
        if is_limit:
            limits.learn(model, lower)
        return lower
    if not was_cut(call, outcome):
        return None
    limit = limit_of(model, limits)
    larger = min(cap * LARGER, limit)
    if (room := needs.room(trackers)) is not None:
        larger = min(larger, room)
    return larger if larger >= min(2 * cap, limit) > cap else None  # for a little more, the rest is not spent


def limit_of(model: str, limits: OutputLimits) -> int:
    """The model's own limit on an answer, or what stands for one that is not known."""
    return limits.of(model) or LARGEST


def was_cut(call: Call, outcome: Reply | LMError) -> bool:
    """Whether an answer was cut short by the cap of this layer; `call` has that cap."""
    return call.cut_by_budget(outcome.kind if isinstance(outcome, LMError) else outcome.finish)
