"""The workloads of a whole fit, from synthetic fits of a part of it; the rule is stated in `estimate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from synalinks.lm.forecast import CallStatistics, Group, Workload, WorkloadRange
from synalinks.optimizers.evolutionary.population import NEWCOMERS
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.shape import Shape
from synalinks.trainers.forecasting.simulated_fit import SimulatedFit

#: Phases whose calls are those of a pass through the program.
_PASSES = ("train", "validation", "candidate")
#: The share of new candidates, at least; a candidate that is known already takes no calls.
NEW = 0.5


class Share(NamedTuple):
    """A group's part of one epoch of the whole fit.

    Attributes:
        per_unit: calls for each unit (a sample, a pass, a step).
        units: units in the epoch.
        tokens: factor on the length of prompts.
    """

    group: Group
    per_unit: float
    units: float
    statistics: CallStatistics
    tokens: float = 1.0


def scaled(
    shape: Shape,
    config: FitConfig,
    low: SimulatedFit,
    expected: SimulatedFit,
    high: SimulatedFit,
    searched: float | None = None,
) -> dict[Group, WorkloadRange]:
    """The workloads of the whole fit by group, from one synthetic fit for each scenario.

    Args:
        searched: calls of a search in an epoch, which makes all of them unless nothing is left to improve; else None.
    """
    fits: Mapping[str, SimulatedFit] = {"low": low, "expected": expected, "high": high}
    most = {
        caller: max(fit.most.get(caller, 0) for fit in fits.values()) for fit in fits.values() for caller in fit.most
    }
    least = {caller: min(fit.least.get(caller, 0) for fit in fits.values()) for caller in most}
    found: dict[Group, WorkloadRange] = {}
    for scenario, fit in fits.items():
        for group, per_unit, units, statistics, tokens in _shares(shape, config, fit, scenario, searched):
            caller = (group.model, group.module)
            if group.phase in _PASSES and caller in most:
                if scenario == "high":
                    per_unit = max(per_unit, float(most[caller]))
                elif scenario == "low":
                    per_unit = min(per_unit, float(least[caller]))
            calls = per_unit * units
            if scenario == "low":  # the cache may have a repeated one
                calls *= 1 - statistics.repeats / statistics.calls
            workloads = found.setdefault(group, WorkloadRange())
            workloads.add_sources(statistics)
            workload: Workload = getattr(workloads, scenario)
            workload.add(calls, statistics, longest=scenario == "high", tokens=tokens)
    return found


def _shares(
    shape: Shape, config: FitConfig, fit: SimulatedFit, scenario: str, searched: float | None
) -> Iterator[Share]:
    """The shares of all groups in all epochs of the whole fit."""
    by_epoch: dict[int, list[tuple[bool, Group, CallStatistics]]] = {}
    for (epoch, in_step, group), statistics in fit.statistics.items():
        by_epoch.setdefault(epoch, []).append((in_step, group, statistics))
    has_candidates = any(fit.candidates(epoch) for epoch in range(fit.epochs))
    for number in range(config.span):
        epoch = min(number, fit.epochs - 1)
        due = config.validates(number) if searched is None else number + 1 == config.span  # others are among its calls
        validation = shape.validation if due else 0
        candidates = _candidate_passes(shape, fit, epoch, scenario, has_candidates)
        if searched is not None:
            candidates = searched if scenario != "low" else min(candidates, searched)
        for in_step, group, statistics in by_epoch.get(epoch, []):
            if searched is not None and group.phase == "optimizer":
                passes = candidates / max(1, fit.candidates(epoch))
                yield Share(group, statistics.calls, passes, statistics)
            elif group.phase != "validation":
                yield _share(shape, fit, epoch, scenario, validation, candidates, in_step, group, statistics)
        validated = _nearest(epoch, fit.validated)
        if validation and validated is not None:
            for _, group, statistics in by_epoch.get(validated, []):
                if group.phase == "validation":
                    yield Share(group, statistics.calls / max(1, fit.shape.validation), validation, statistics)
        if has_candidates and scenario == "high" and not fit.candidates(epoch):
            yield from _candidates_of_another_epoch(fit, candidates)


def _share(
    shape: Shape,
    fit: SimulatedFit,
    epoch: int,
    scenario: str,
    validation: int,
    candidates: float,
    in_step: bool,
    group: Group,
    statistics: CallStatistics,
) -> Share:
    """The share of a group that is not of a validation.

    Args:
        epoch: the simulated epoch that stands for the real one.
        validation, candidates: passes of the real epoch.
        in_step: whether the calls belong to a step.
    """
    part, calls = fit.shape, statistics.calls
    if group.phase == "train":
        return Share(group, calls / part.train, shape.train, statistics)
    if group.phase == "candidate":
        return Share(group, calls / max(1, fit.candidates(epoch)), candidates, statistics)
    if group.phase == "reward":
        passes = shape.train + candidates + validation
        return Share(group, calls / max(1, fit.all_passes(epoch)), passes, statistics)
    if group.phase == "metric":
        measured = part.train + (part.validation if epoch in fit.validated else 0)
        return Share(group, calls / max(1, measured), shape.train + validation, statistics)
    if group.phase == "optimizer" and not in_step:  # once an epoch, about the candidates that are new in it
        longer = min(shape.steps, NEWCOMERS) / max(1, min(part.steps, NEWCOMERS))
        return Share(group, calls, 1.0, statistics, 1.0 if scenario == "low" else max(1.0, longer))
    return Share(group, calls, shape.steps / part.steps if part.steps else 0.0, statistics)


def _candidates_of_another_epoch(fit: SimulatedFit, passes: float) -> Iterator[Share]:
    """The shares of candidates in an epoch that happened to have none, after the epoch that had the most."""
    epoch = max(range(fit.epochs), key=fit.candidates)
    for (other, _, group), statistics in fit.statistics.items():
        if other == epoch and group.phase == "candidate":
            yield Share(group, statistics.calls / fit.candidates(epoch), passes, statistics)


def _candidate_passes(shape: Shape, fit: SimulatedFit, epoch: int, scenario: str, has_candidates: bool) -> float:
    """Samples on which candidates are scored in an epoch of the whole fit."""
    bound = 2.0 * shape.steps * shape.minibatch
    if scenario == "high":
        return bound if has_candidates else 0.0
    part = fit.shape
    if not part.steps or not part.minibatch:
        return 0.0
    found = fit.candidates(epoch) * (shape.steps / part.steps) * (shape.minibatch / part.minibatch)
    return min(bound, found * (NEW if scenario == "low" else 1.0))


def _nearest(epoch: int, validated: tuple[int, ...]) -> int | None:
    """The simulated epoch with a validation that is nearest to an epoch."""
    return min(validated, key=lambda other: abs(other - epoch), default=None)
