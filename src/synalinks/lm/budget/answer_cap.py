"""The cap on an answer's tokens where the caller gave none: the first, a lower or a larger one after it was of no use.

A cap of this layer makes no request fail that would succeed without it. One that the server refuses as too high is
replaced by a lower one, for free, and the model's limit or context window is remembered. An answer that a cap cut short
is fetched anew with a larger one, as far as the budget and the model allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from synalinks.lm.budget.expected import TypicalUsage
from synalinks.lm.budget.schema_bound import longest
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.budget.upper_bound import OUTPUT_ALLOWANCE, Needs
from synalinks.lm.core.call import Call, Reply, Request
from synalinks.lm.core.errors import LMError
from synalinks.lm.pricing.limits import LEAST, OutputLimits, Refused, is_reasoning_model, lower_cap

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


class AnswerCaps:
    """The caps of one call, from the first to the one that is of use.

    Args:
        request: without a limit of its own.
        needs: of the request.
        limits: of models; what servers state is noted there.
    """

    def __init__(self, request: Request, needs: Needs, limits: OutputLimits) -> None:
        self._request, self._needs, self._limits = request, needs, limits
        self._refused: int | None = None
        self._room: int | None = None

    @property
    def most(self) -> int:
        """The longest answer that the server may give to this request."""
        limit = self._limits.of(self._request.model) or LARGEST
        return limit if self._room is None else min(limit, self._room)

    def first(self, usual: TypicalUsage) -> int:
        """The most answer tokens that are worth a reservation at first.

        Args:
            usual: what such calls rarely take more of.
        """
        request = self._request
        if usual.output is not None:
            cap = max(LEAST_CAP, ROOMY * usual.output)
        else:
            thinks = is_reasoning_model(request.model) or not _THINKING.isdisjoint(request.options)
            cap = OUTPUT_ALLOWANCE if thinks else FIRST_CAP
            size = None if thinks or request.schema is None or request.tools else longest(request.schema)
            if size is not None:  # a token is a byte at least; the rest is for blanks, which a schema does not bound
                cap = min(cap, LEAST_CAP + 2 * size)
            if usual.longest is not None:
                cap = min(cap, max(LEAST_CAP, LARGER * usual.longest))
        room = self._limits.room(request.model, self._needs.prompt, usual.share)
        return min(cap, self.most) if room is None else min(cap, self.most, room)

    def next(self, call: Call, outcome: Reply | LMError, trackers: Sequence[BudgetTracker]) -> int | None:
        """The cap to try next after one of this layer's made a call fail or cut its answer; None where that is not so,
        or no other is of use.

        Args:
            call: as it was sent, with its cap.
        """
        if (cap := call.output_cap) is None:
            return None
        if isinstance(outcome, LMError) and (found := lower_cap(outcome, cap)) is not None:
            if call.longer and found.prompt is None and not found.of_model:
                return self._shorter(cap, call.longer)
            return self._lower(cap, found)
        cut = was_cut(call, outcome)
        if cut or self._refused is not None:
            self._measure(outcome)
        if not cut:
            return None
        limit = self.most
        larger = min(cap * LARGER, limit)
        if (room := self._needs.room(trackers)) is not None:
            larger = min(larger, room)
        return larger if larger >= min(2 * cap, limit) > cap else None  # for a little more, the rest is not spent

    def _lower(self, cap: int, found: Refused) -> int:
        """Note what the refusal of a cap says: one to try."""
        model = self._request.model
        if found.of_model:
            self._limits.learn(model, found.cap)
        elif found.context is not None:
            share = None if found.prompt is None else found.prompt / self._needs.prompt
            self._limits.learn_context(model, found.context, share)
        self._refused, self._room = cap, found.cap
        return found.cap

    def _shorter(self, cap: int, longer: int) -> int | None:
        """The cap of a correction that its model's context window had no room for, once: with it, prompt and cap are no
        longer together than those of the answer before, which were accepted. None if it was refused as well."""
        if self._refused is not None or cap - longer < LEAST:
            return None
        self._refused, self._room = cap, cap - longer
        return self._room

    def _measure(self, outcome: Reply | LMError) -> None:
        """Take from an answer how long its prompt is, and so what the context window leaves."""
        reply = outcome.reply if isinstance(outcome, LMError) else outcome
        model = self._request.model
        context = self._limits.context(model)
        if reply is None or context is None or (prompt := reply.usage.input_tokens) is None:
            return
        self._limits.learn_context(model, context, prompt / self._needs.prompt)
        room = max(1, context - prompt)
        self._room = room if self._refused is None else min(room, self._refused - 1)


def was_cut(call: Call, outcome: Reply | LMError) -> bool:
    """Whether an answer was cut short by the cap of this layer; `call` has that cap."""
    return call.cut_by_budget(outcome.kind if isinstance(outcome, LMError) else outcome.finish)
