"""The most that one attempt can cost, known before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synalinks.errors import ConfigurationError
from synalinks.lm.pricing import FINEST, Price
from synalinks.lm.purse import Amount, Purse
from synalinks.lm.types import ZERO, Request

#: Tokens a provider's chat template may add to one message. The dearest template in public use (Llama 3's
#: header ids) adds 5; doubled, rounded up, and again for the reply's own header.
MESSAGE_ALLOWANCE = 16
#: Tokens a provider may add to a prompt that has tools: Anthropic's page on tool use gives up to 804 for the
#: system prompt that explains them.
TOOLS_ALLOWANCE = 1024
#: Tokens of one image, sound or file, whose bytes say nothing about them. The dearest in public price lists is
#: an image for gpt-4o-mini in high detail: 2,833 + 8 tiles of 5,667.
MEDIA_ALLOWANCE = 48_169
#: Answer tokens reserved where neither the caller nor the budget sets a lower bound.
OUTPUT_ALLOWANCE = 16_384
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
    """

    model: str
    prompt: int
    limit: int | None
    price: Price | None
    seconds: float

    def amount(self, output: int) -> Amount:
        """The most an attempt can take that answers with at most `output` tokens."""
        usd = ZERO if self.price is None else self.price.bound(self.prompt, output, self.seconds)
        return Amount(usd, self.prompt + output, 1)

    def bound(self, purses: Sequence[Purse]) -> tuple[Amount, int | None]:
        """The most an attempt can take, and the cap on answer tokens that makes it so (None: none needed).

        Where the caller gave no limit, the cap is what would be left if nothing were outstanding: a call waits
        for that rather than begin an answer that has to be cut.
        """
        if self.limit is not None:
            return self.amount(self.limit), None
        caps = [cap for purse in purses if (cap := self._affordable(purse)) is not None]
        if not caps:
            return self.amount(0), None  # nothing that is capped depends on the length of the answer
        cap = max(1, min(*caps, OUTPUT_ALLOWANCE))
        return self.amount(cap), cap

    def _affordable(self, purse: Purse) -> int | None:
        """Answer tokens that a purse could pay for if nothing were outstanding; None if it does not limit them."""
        room, caps = purse.left + purse.reserved, []
        if purse.budget.tokens is not None:
            caps.append(room.tokens - self.prompt)
        if purse.budget.usd is not None and self.price is not None and self.price.output:
            caps.append(int((room.usd - self.amount(0).usd - FINEST) * 1_000_000 / self.price.output))
        return min(caps) if caps else None


def needs_of(request: Request, price: Price | None, purses: Sequence[Purse], timeout: float | None = None) -> Needs:
    """What a call will need of the purses that are open.

    A token is at least one byte of UTF-8, and the canonical request holds every byte of the prompt, so its
    length bounds the prompt's tokens; the rest is covered by the allowances.

    Args:
        timeout: seconds an attempt may take; None if that is not limited.

    Raises:
        ConfigurationError: a budget in dollars meets a model of unknown price, or one paid by the hour
            without a time-out.
    """
    strict = [purse for purse in purses if purse.budget.usd is not None]
    if price is None and any(purse.budget.unpriced == "raise" for purse in strict):
        raise ConfigurationError(
            f"a budget in dollars can't be held for {request.model!r}: its price is unknown. State it with "
            f"synalinks.set_price({request.model!r}, input=..., output=...) in dollars per million tokens, "
            "cap tokens or calls instead, or pass Budget(unpriced='free')"
        )
    if strict and price is not None and price.per_hour and timeout is None:
        raise ConfigurationError(
            f"a budget in dollars can't be held for {request.model!r}, which is paid by the hour, while its calls "
            "may take for ever: give the model a timeout"
        )
    text = request.canonical
    prompt = len(text) + MESSAGE_ALLOWANCE * (len(request.messages) + 1)
    if request.tools:
        prompt += TOOLS_ALLOWANCE
    media = sum(_media(message) for message in request.messages)
    prompt += MEDIA_ALLOWANCE * media
    if price is not None:
        price = price.up_to(prompt, audio=media > 0, hour=b'"1h"' in text)
    limit = 0 if request.kind == "embed" else request.output_limit
    return Needs(request.model, prompt, limit, price, 0.0 if timeout is None else timeout + SLACK)


def _media(message: Mapping[str, Any]) -> int:
    """How many parts of a message are not text."""
    content = message.get("content")
    if not isinstance(content, (list, tuple)):
        return 0
    return sum(isinstance(part, Mapping) and part.get("type", "text") != "text" for part in content)
