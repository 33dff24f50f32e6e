"""Scenarios of a forecast: three assumptions on rewards and lengths, and the provider that answers by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synalinks.lm import Call, Reply, Request
from synalinks.lm.forecast import GROWTH, LONG, SHORT, Priors, SyntheticProvider, quantile
from synalinks.trainers.forecasting.simulated_rewards import RewardRule, half_right, longest_best, none_right

#: Passes through the program, about: of the expected scenario, and of each of the other two.
PASSES, SIDE_PASSES = 1200, 500
#: Requests kept of a scenario, for calibrating token counts.
KEPT_REQUESTS = 2000


@dataclass(frozen=True)
class Scenario:
    """Assumptions on a fit.

    Attributes:
        reward: the reward of a sample by its place.
        percentile: of the measured lengths that answers have, as a share; drawn where None.
        stretch: factor on guessed lengths of answers.
        same: whether a module gets the same answer to every request.
        passes: passes through the program, about.
        thinking: factor on the length of an answer's thinking, which an optimizer does not keep.
        growth: factor on the measured lengths of proposals, which grow from generation to generation.
        start: selects the candidate to start from by its length: `min`, `max`, or None for the current one.
    """

    name: str
    reward: RewardRule
    percentile: float | None
    stretch: float
    same: bool
    passes: int
    thinking: float = 1.0
    growth: float = 1.0
    start: Callable[..., Any] | None = None


LOW = Scenario("low", none_right, SHORT, 0.25, True, SIDE_PASSES, thinking=4.0, start=min)
EXPECTED = Scenario("expected", half_right, None, 1.0, False, PASSES)
HIGH = Scenario("high", longest_best, LONG, 4.0, False, SIDE_PASSES, thinking=0.1, growth=GROWTH, start=max)


class _ScenarioPriors:
    """Priors whose lengths are those of a scenario's percentile."""

    def __init__(self, priors: Priors, scenario: Scenario) -> None:
        self._priors = priors
        self._percentile = scenario.percentile
        self._growth = scenario.growth

    def output_tokens(self, call: Call, uniform: float) -> int | None:
        lengths = self._priors.lengths(call.request.model, call.scope.module)
        length = quantile(lengths, uniform if self._percentile is None else self._percentile)
        return round(length * (self._growth if call.scope.phase == "optimizer" else 1.0)) or None

    def input_tokens(self, request: Request) -> int | None:
        return self._priors.input_tokens(request)

    def vector_size(self, request: Request) -> int | None:
        return self._priors.vector_size(request)


class ScenarioProvider(SyntheticProvider):
    """The models of one scenario.

    Attributes:
        requests: the first requests, for calibrating token counts.
    """

    def __init__(self, scenario: Scenario, priors: Priors) -> None:
        super().__init__(priors=_ScenarioPriors(priors, scenario), stretch=scenario.stretch, thinking=scenario.thinking)
        self._same = scenario.same
        self.requests: list[Request] = []

    async def __call__(self, call: Call, /) -> Reply:
        if len(self.requests) < KEPT_REQUESTS:
            self.requests.append(call.request)
        return await super().__call__(call)

    def spot(self, call: Call) -> tuple[object, ...]:
        """The seed of an answer: of the module alone where all its answers are the same."""
        return (self.seed, call.request.model, call.scope.module) if self._same else super().spot(call)
