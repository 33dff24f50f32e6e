"""From a synthetic fit of a part to the loads of the whole one, by the rule in `estimating`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from synalinks.lm.forecast.tally import Group, Load, Loads, Stat, group_of
from synalinks.lm.ledger.ledger import Entry
from synalinks.optimizers.evolutionary.population import NEWCOMERS
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.simulated_rewards import SimulatedRewards

#: Phases whose calls are those of a pass through the program.
_PASSES = ("train", "validation", "candidate")
#: The share of candidates that are new at the least; the others may turn out to be known ones, and cost nothing.
NEW = 0.5
#: How much smaller the part is made at each try.
_SHRINK = 0.8


@dataclass(frozen=True)
class Shape:
    """The sizes of a fit, per epoch.

    Attributes:
        train: training samples of an epoch. steps: its steps. batch: samples of a step.
        validation: samples of a validation. validation_steps: its batches.
        minibatch: samples that parent and child are compared on.
        held: samples that these are drawn from.
        fixed: whether minibatches are drawn from validation samples in memory, rather than the batch itself.
    """

    train: int
    steps: int
    batch: int
    validation: int
    validation_steps: int
    minibatch: int
    held: int
    fixed: bool

    @property
    def passes(self) -> int:
        """Passes through the program in an epoch, at most."""
        return self.train + 2 * self.steps * self.minibatch + self.validation

    def part(self, minibatch_size: int | None, epochs: int, passes: int, least: int) -> Shape:
        """A part that takes about so many passes in so many epochs: the same fraction of all samples."""
        share, part = 1.0, self
        while part.passes * epochs > passes and (part.train > least or part.validation > least):
            share *= _SHRINK
            train = max(min(self.train, least), math.ceil(self.train * share))
            batch = min(self.batch, max(1, math.ceil(train / 2)))
            held = max(min(self.held, max(least, minibatch_size or 0)), math.ceil(self.held * share))
            validation = min(self.validation, held) if self.fixed else self._fewer(share)
            smaller = replace(
                self,
                train=train,
                batch=batch,
                steps=math.ceil(train / batch),
                held=held,
                validation=validation,
                minibatch=(min(minibatch_size or held, held) if self.fixed else batch),
            )
            if smaller == part and share < 1e-6:
                break
            part = smaller
        return part

    def _fewer(self, share: float) -> int:
        return math.ceil(self.validation * share)


@dataclass
class Seen:
    """What a synthetic fit has shown.

    Attributes:
        shape: its sizes. passes: predictions scored, by epoch and phase.
        stats: calls by epoch, whether they belong to a step, and group.
        most, least: calls of a (model, module) in one pass.
        validated: epochs that ended with a validation.
    """

    shape: Shape
    passes: Counter[tuple[int | None, str | None]]
    stats: dict[tuple[int, bool, Group], Stat]
    most: dict[tuple[str, str | None], int]
    least: dict[tuple[str, str | None], int]
    epochs: int
    validated: tuple[int, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry], shape: Shape, simulated: SimulatedRewards, settings: FitConfig) -> Seen:
        """From the calls of a synthetic fit."""
        stats: dict[tuple[int, bool, Group], Stat] = {}
        seen: set[str] = set()
        in_pass: Counter[tuple[object, ...]] = Counter()
        validated = set()
        epochs = min(settings.span, 1 + max((epoch or 0 for epoch, _ in simulated.passes), default=0))
        for entry in entries:
            place, group = entry.scope, group_of(entry)
            epoch = place.epoch or 0
            stats.setdefault((epoch, place.step is not None, group), Stat()).add(entry, seen)
            if place.phase in ("train", "validation"):
                in_pass[entry.model, place.module, epoch, place.step, place.phase, place.sample] += 1
        given = settings.simulated(epochs)["validation_freq"]
        if shape.validation:
            validated = {epoch for epoch in range(epochs) if (epoch + 1) % given == 0}
        whole = epochs * shape.train + len(validated) * shape.validation
        most: dict[tuple[str, str | None], int] = {}
        least: dict[tuple[str, str | None], int] = {}
        met: Counter[tuple[str, str | None]] = Counter()
        for (model, module, *_), count in in_pass.items():
            name = (str(model), None if module is None else str(module))
            most[name] = max(most.get(name, 0), count)
            least[name] = min(least.get(name, count), count)
            met[name] += 1
        least = {name: count if met[name] >= whole else 0 for name, count in least.items()}
        return cls(shape, simulated.passes, stats, most, least, epochs, tuple(sorted(validated)))

    def candidates(self, epoch: int) -> int:
        """Passes of phase `candidate` in an epoch."""
        return self.passes[epoch, "candidate"]

    def all_passes(self, epoch: int) -> int:
        """Passes of every phase in an epoch."""
        return sum(count for (other, _), count in self.passes.items() if other == epoch)


def scaled(shape: Shape, settings: FitConfig, low: Seen, expected: Seen, high: Seen) -> dict[Group, Loads]:
    """The loads of the whole fit, by group, from three synthetic ones."""
    found: dict[Group, Loads] = {}
    most = {
        name: max(s.most.get(name, 0) for s in (low, expected, high)) for s in (low, expected, high) for name in s.most
    }
    least = {name: min(s.least.get(name, 0) for s in (low, expected, high)) for name in most}
    for which, seen in (("low", low), ("expected", expected), ("high", high)):
        for group, calls, stat, tokens in _of_epochs(shape, settings, seen, which):
            name = (group.model, group.module)
            if group.phase in _PASSES and name in most:
                per_pass, units = calls
                if which == "high":
                    per_pass = max(per_pass, float(most[name]))
                elif which == "low":
                    per_pass = min(per_pass, float(least[name]))
                count = per_pass * units
            else:
                count = calls[0] * calls[1]
            loads = found.setdefault(group, Loads())
            loads.rest_on(stat)
            load: Load = getattr(loads, which)
            if which == "low":  # what repeats one before may come out of the cache
                count *= 1 - stat.repeats / stat.calls
            load.add(count, stat, longest=which == "high", tokens=tokens)
    return found


def _of_epochs(
    shape: Shape, settings: FitConfig, seen: Seen, which: str
) -> Iterator[tuple[Group, tuple[float, float], Stat, float]]:
    """For every epoch and group: calls a unit and units, what was seen, and how much longer prompts are."""
    part = seen.shape
    steps = shape.steps / part.steps if part.steps else 0.0
    by_epoch: dict[int, list[tuple[bool, Group, Stat]]] = {}
    for (epoch, in_step, group), stat in seen.stats.items():
        by_epoch.setdefault(epoch, []).append((in_step, group, stat))
    ever_candidates = any(seen.candidates(epoch) for epoch in range(seen.epochs))
    for number in range(settings.span):
        like = min(number, seen.epochs - 1)
        validates = bool(shape.validation) and settings.validates(number)
        judged = _nearest(like, seen.validated)
        scores = _candidate_passes(shape, seen, like, which, ever_candidates)
        whole = shape.train + scores + (shape.validation if validates else 0)
        for in_step, group, stat in by_epoch.get(like, []):
            phase = group.phase
            if phase == "validation":
                continue
            if phase == "train":
                yield group, (stat.calls / part.train, shape.train), stat, 1.0
            elif phase == "candidate":
                yield group, (stat.calls / max(1, seen.candidates(like)), scores), stat, 1.0
            elif phase == "reward":
                yield group, (stat.calls / max(1, seen.all_passes(like)), whole), stat, 1.0
            elif phase == "metric":
                watched = part.train + (part.validation if like in seen.validated else 0)
                units = shape.train + (shape.validation if validates else 0)
                yield group, (stat.calls / max(1, watched), units), stat, 1.0
            elif phase == "optimizer" and not in_step:  # once an epoch, about all that was new in it
                longer = min(shape.steps, NEWCOMERS) / max(1, min(part.steps, NEWCOMERS))
                yield group, (stat.calls, 1.0), stat, 1.0 if which == "low" else max(1.0, longer)
            else:
                yield group, (stat.calls, steps), stat, 1.0
        if validates and judged is not None:
            for _, group, stat in by_epoch.get(judged, []):
                if group.phase == "validation":
                    yield group, (stat.calls / max(1, part.validation), shape.validation), stat, 1.0
        if ever_candidates and which == "high" and not seen.candidates(like):
            yield from _as_elsewhere(seen, scores)


def _as_elsewhere(seen: Seen, scores: float) -> Iterator[tuple[Group, tuple[float, float], Stat, float]]:
    """Candidates of an epoch that happened to have none, as in the epoch that had most."""
    epoch = max(range(seen.epochs), key=seen.candidates)
    for (other, _, group), stat in seen.stats.items():
        if other == epoch and group.phase == "candidate":
            yield group, (stat.calls / seen.candidates(epoch), scores), stat, 1.0


def _candidate_passes(shape: Shape, seen: Seen, epoch: int, which: str, ever: bool) -> float:
    """Samples that candidates are scored on in an epoch of the whole."""
    bound = 2.0 * shape.steps * shape.minibatch
    if which == "high":
        return bound if ever else 0.0
    part = seen.shape
    if not part.steps or not part.minibatch:
        return 0.0
    found = seen.candidates(epoch) * (shape.steps / part.steps) * (shape.minibatch / part.minibatch)
    return min(bound, found * (NEW if which == "low" else 1.0))


def _nearest(epoch: int, validated: tuple[int, ...]) -> int | None:
    """The simulated epoch with a validation that is nearest to an epoch."""
    return min(validated, key=lambda other: abs(other - epoch), default=None)
