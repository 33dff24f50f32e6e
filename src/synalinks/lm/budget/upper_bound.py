"""The most that one attempt can cost, known before it is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synalinks.lm.budget.budget import Budget
from synalinks.lm.budget.expected import TypicalUsage
from synalinks.lm.budget.media_tokens import media_bound
from synalinks.lm.budget.tracker import BudgetTracker
from synalinks.lm.core.amount import Amount
from synalinks.lm.core.call import ZERO, Request
from synalinks.lm.core.errors import ConfigurationError
from synalinks.lm.pricing.pricing import FINEST, Price
from synalinks.lm.pricing.surcharges import answers_requested, beyond_the_table, is_plain, open_ended
from synalinks.lm.providers.registry import is_local

#: Tokens a provider's chat template may add to one message. The dearest template in public use (Llama 3's
#: header ids) adds 5; doubled, rounded up, and again for the reply's own header.
MESSAGE_ALLOWANCE = 16
#: Tokens a provider may add to a prompt that has tools: Anthropic's page "Tool use" (November 2026) gives up to 804
#: for the system prompt that explains them, by model and choice.
TOOLS_ALLOWANCE = 1024
#: Tokens, at most, of the definition of a tool that only earlier messages call, its name aside.
USED_TOOL_ALLOWANCE = 80
#: Tokens of a tool that the provider defines by its type: up to 735, and 499 for a system prompt (Anthropic's
#: page "Computer use tool"; the others have less).
TYPED_TOOL_ALLOWANCE = 1280
#: Answer tokens reserved where neither the caller nor the budget sets a lower bound, and nothing is known of the model.
OUTPUT_ALLOWANCE = 16_384
#: Tokens of prompt and answer of a call of ordinary size, as long as a budget has let none out.
ORDINARY_PROMPT, ORDINARY_ANSWER = 2048, 256
#: Seconds an attempt may take beyond its time-out until its clock is stopped.
SLACK = 1.0


@dataclass(frozen=True, slots=True)
class Needs:
    """What is known of a call before any budget is looked at.

    Attributes:
        model: for messages.
        prompt: bound of the prompt's tokens.
        limit: bound of the answer's tokens that the caller gave; 0 for embeddings; None if there is none.
        price: of the model, for prompts up to that bound; None if unknown.
        seconds: the longest an attempt may take.
        answers: how many answers are asked for at once, each of at most so many tokens.
        most: the most tokens of an answer that are reserved where the caller gave no limit.
    """

    model: str
    prompt: int
    limit: int | None
    price: Price | None
    seconds: float
    answers: int = 1
    most: int = OUTPUT_ALLOWANCE

    @property
    def least(self) -> Amount:
        """The least that has to be reserved for an attempt: where the caller gave no limit, its prompt and a token."""
        return self.amount(1 if self.limit is None else self.limit)

    @property
    def ordinary(self) -> Amount:
        """What an attempt of ordinary size needs of this model."""
        return replace(self, prompt=ORDINARY_PROMPT).amount(ORDINARY_ANSWER)

    def amount(self, output: int) -> Amount:
        """The most an attempt can take whose answers have at most `output` tokens."""
        output *= self.answers
        price = self.price
        usd = ZERO if price is None or price.is_free else price.bound(self.prompt, output, self.seconds)
        return Amount(usd, self.prompt + output, 1)

    def usual(self, usual: TypicalUsage, cap: int | None) -> Amount:
        """What an attempt rarely takes more of, as far as that is known; `cap` is that of `bound`."""
        limit = self.limit if self.limit is not None else cap
        most = None if limit is None else limit * self.answers
        output = usual.output if most is None or (usual.output is not None and usual.output < most) else most
        prompt = self.prompt if usual.share is None else min(self.prompt, math.ceil(self.prompt * usual.share))
        seconds = self.seconds if usual.seconds is None else min(self.seconds, usual.seconds)
        usd = ZERO if self.price is None else self.price.bound(prompt, output or 0, seconds)
        return Amount(usd, prompt + (output or 0), 1)

    def bound(
        self, trackers: Sequence[BudgetTracker], returning: Callable[[BudgetTracker], Amount] | None = None
    ) -> tuple[Amount, int | None]:
        """The most an attempt can take, and the cap on answer tokens that makes it so (None: none needed).

        Where the caller gave no limit, the cap is what would be left if nothing were outstanding: a call waits
        for that rather than begin an answer that has to be cut.

        Args:
            returning: gives what of the reservations in a tracker can come back; all of them where None.
        """
        if self.limit is not None:
            return self.amount(self.limit), None
        room = self.room(trackers, returning)
        if room is None:
            return self.amount(0), None  # nothing that is capped depends on the length of the answer
        cap = max(1, min(room, self.most))
        return self.amount(cap), cap

    def room(
        self, trackers: Sequence[BudgetTracker], returning: Callable[[BudgetTracker], Amount] | None = None
    ) -> int | None:
        """Answer tokens that all trackers could pay for if nothing were outstanding; None if none limits them."""
        rooms = (self._affordable(tracker, returning) for tracker in trackers)
        return min((room for room in rooms if room is not None), default=None)

    def limits_answer(self, trackers: Sequence[BudgetTracker]) -> bool:
        """Whether one of the trackers limits the answer's tokens; else `room` is None."""
        paid = self.price is not None and bool(self.price.output)
        return any(one.budget.tokens is not None or (paid and one.budget.usd is not None) for one in trackers)

    def tightest(self, trackers: Sequence[BudgetTracker]) -> BudgetTracker | None:
        """The tracker that can pay for the fewest answer tokens; None where none limits them."""
        rooms = [(cap, tracker) for tracker in trackers if (cap := self._affordable(tracker, None)) is not None]
        return min(rooms, key=lambda room: room[0])[1] if rooms else None

    def _affordable(self, tracker: BudgetTracker, returning: Callable[[BudgetTracker], Amount] | None) -> int | None:
        """Answer tokens that a tracker could pay for if nothing were outstanding; None if it does not limit them."""
        tokens, price = tracker.budget.tokens, self.price if tracker.budget.usd is not None else None
        if tokens is None and (price is None or not price.output):
            return None
        room, caps = tracker.left + (tracker.reserved if returning is None else returning(tracker)), []
        if tokens is not None:
            caps.append((room.tokens - self.prompt) // self.answers)
        if price is not None and price.output:
            caps.append(int((room.usd - self.amount(0).usd - FINEST) * 1_000_000 / price.output / self.answers))
        return min(caps)


def needs_of(
    request: Request, price: Price | None, trackers: Sequence[BudgetTracker], timeout: float | None = None
) -> Needs:
    """What a call will need of the trackers that are open.

    A token is at least one byte of UTF-8, and the canonical request holds every byte of the prompt, so its
    length bounds the prompt's tokens; the rest is covered by the statuses.

    Args:
        timeout: seconds an attempt may take; None if that is not limited.

    Raises:
        ConfigurationError: a budget in dollars meets a model of unknown price, or one paid by the hour
            without a time-out.
    """
    strict = [tracker for tracker in trackers if tracker.budget.usd is not None]
    if (
        price is None
        and any(tracker.budget.unpriced == "raise" for tracker in strict)
        and (what := beyond_the_table(request))
    ):
        raise ConfigurationError(
            f"a budget in dollars can't be held for {request.model!r} with {what}: the table has the standard prices "
            f"only. State what it costs with synalinks.set_price({request.model!r}, input=..., output=...) in dollars "
            "per million tokens, leave that out, or pass Budget(unpriced='free')"
        )
    check_price(request.model, price, [tracker.budget for tracker in strict])
    if strict and price is not None and price.per_hour and timeout is None:
        raise ConfigurationError(
            f"a budget in dollars can't be held for {request.model!r}, which is paid by the hour, while its calls "
            "may take for ever: give the model a timeout"
        )
    prompt, answers = request.size + MESSAGE_ALLOWANCE * (len(request.messages) + 1), 1
    local = (price is not None and price.is_free) or is_local(request.model)
    limit = 0 if request.kind == "embed" else request.output_limit
    if not is_plain(request):
        if not local and (what := open_ended(request)):
            _check_closed(request.model, what, trackers)
        prompt += TYPED_TOOL_ALLOWANCE * sum(tool.get("type") not in (None, "function") for tool in request.tools)
        answers = answers_requested(request)
    used = () if request.tools or local else request.tools_used  # named again, with a schema that takes all, by some
    if request.tools or used or (request.schema is not None and not local):  # some providers say a schema as a tool
        prompt += TOOLS_ALLOWANCE + sum(USED_TOOL_ALLOWANCE + len(name.encode()) for name in used)
    has_parts = request.written is not request.messages
    media = [media_bound(part, request.model) for part in _parts(request)] if has_parts else []
    prompt += sum(tokens - untold for tokens, untold in media)
    if price is not None and not price.is_free:
        price = price.up_to(
            prompt, audio=any(map(any, media)), hour=price.keeps_an_hour and b'"1h"' in request.canonical
        )
    seconds = 0.0 if timeout is None else timeout + SLACK
    return Needs(request.model, prompt, limit, price, seconds, answers)


def check_price(model: str, price: Price | None, budgets: Iterable[Budget]) -> None:
    """Refuse a model of unknown price under budgets in dollars, unless they let it pass.

    Raises:
        ConfigurationError: saying how to state the price.
    """
    if price is None and any(budget.usd is not None and budget.unpriced == "raise" for budget in budgets):
        raise ConfigurationError(
            f"a budget in dollars can't be held for {model!r}: its price is unknown. State it with "
            f"synalinks.set_price({model!r}, input=..., output=...) in dollars per million tokens, "
            "cap tokens or calls instead, or pass Budget(unpriced='free')"
        )


def _check_closed(model: str, what: str, trackers: Sequence[BudgetTracker]) -> None:
    for tracker in trackers:
        budget = tracker.budget
        if budget.tokens is not None or (budget.usd is not None and budget.unpriced == "raise"):
            raise ConfigurationError(
                f"the {tracker.name} can't be held for {model!r} with {what}: how much the provider reads and bills "
                "for that can't be known beforehand. Do without it, cap calls or seconds instead, or, for a cap in "
                "dollars, pass Budget(unpriced='free')"
            )


def _parts(request: Request) -> list[Any]:
    """The parts of all messages whose content is a list of them."""
    contents = [content for message in request.messages if isinstance(content := message.get("content"), (list, tuple))]
    return [part for content in contents for part in content]
