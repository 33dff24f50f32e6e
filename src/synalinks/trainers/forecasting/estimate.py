"""What a `fit` will take, before it is made: its own loop run synthetically, thrice, and scaled by exact counts.

The program is trained for a moment with every model answered synthetically: once as if nothing was ever right and
answers were short (low), once as if half of it was right (expected), once as if everything could be an example and
answers were long (high). So the prompts are the real ones, examples and all. Then everything is put back.

The rule by which a large fit is scaled. Simulated are at most `EPOCHS` epochs and about `PASSES` passes through the
program; of larger data an evenly spaced part, the same fraction of training and validation samples, so that a
validation sample meets as many candidates as in the whole. What was seen in an epoch is multiplied by exact counts:

    train, validation     samples of the whole / samples simulated
    optimizer             steps of the whole / steps simulated; once an epoch where it was once an epoch
    candidate             steps and minibatch of the whole / those simulated, at most 2 * steps * minibatch samples;
                          that bound, which is the loop's own, is the high figure
    reward                all passes of the whole / passes simulated
    metric                training and validation passes, likewise

Epochs beyond those simulated are like the last one. Callbacks that stop a fit early are not looked at.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import warnings
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from synalinks import _json, session
from synalinks import optimizers as optimizer_namespace
from synalinks.errors import ConfigurationError
from synalinks.lm.core.call import Call, Handler, Reply, Request
from synalinks.lm.forecast.forecast import Forecast
from synalinks.lm.forecast.priors import LONG, SHORT, Priors, quantile
from synalinks.lm.forecast.tally import GROWTH, notes_of, rows_of
from synalinks.lm.ledger.ledger import Ledger
from synalinks.lm.providers.fake.synthetic import SyntheticProvider
from synalinks.lm.runtime import current, isolated
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.optimizers.candidates import Candidate
from synalinks.trainers.checks import models_of
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.data import Data, data_of
from synalinks.trainers.forecasting.forecasts import keep_forecast
from synalinks.trainers.forecasting.scale import Seen, Shape, scaled
from synalinks.trainers.forecasting.simulated_rewards import (
    Scored,
    SimulatedRewards,
    longest_best,
    none_right,
    some_right,
)
from synalinks.trainers.forecasting.state import Kept
from synalinks.trainers.program_run import TrainableProgram

T = TypeVar("T")
#: Passes through the program that the expected scenario takes about, and the two others each.
PASSES, SIDE_PASSES = 1200, 500
#: Epochs simulated at most: the first knows nothing, the second has candidates, the third is like those after it.
EPOCHS = 3
#: Samples simulated at the least, of training and of validation.
LEAST = 8
#: Requests kept to learn counting from.
_MET = 2000


@dataclass(frozen=True)
class Scenario:
    """One way a fit may go.

    Attributes:
        scored: what samples score.
        share: which of the learnt lengths answers have; drawn where None.
        stretch: how much longer than guessed they are, where nothing was learnt.
        same: whether a module is answered the same whatever it is asked, as by a proposer that has one idea.
        passes: that it may take.
        thinking: how much of an answer that has other fields is thinking, which an optimizer does not keep.
        growth: how much longer proposals are than those learnt from: they grow from generation to generation.
        begins: with which of the candidates known: the shortest (`min`), the longest (`max`), or as the program is.
    """

    name: str
    scored: Scored
    share: float | None
    stretch: float
    same: bool
    passes: int
    thinking: float = 1.0
    growth: float = 1.0
    begins: Callable[..., Any] | None = None


LOW = Scenario("low", none_right, SHORT, 0.25, True, SIDE_PASSES, thinking=4.0, begins=min)
EXPECTED = Scenario("expected", some_right, None, 1.0, False, PASSES)
HIGH = Scenario("high", longest_best, LONG, 4.0, False, SIDE_PASSES, thinking=0.1, growth=GROWTH, begins=max)


class _AtShare:
    """Priors whose lengths are always the same percentile."""

    def __init__(self, priors: Priors, scenario: Scenario) -> None:
        self._priors = priors
        self._share = scenario.share
        self._growth = scenario.growth

    def output_tokens(self, call: Call, uniform: float) -> int | None:
        lengths = self._priors.lengths(call.request.model, call.scope.module)
        length = quantile(lengths, uniform if self._share is None else self._share)
        return round(length * (self._growth if call.scope.phase == "optimizer" else 1.0)) or None

    def input_tokens(self, request: Request) -> int | None:
        return self._priors.input_tokens(request)

    def vector_size(self, request: Request) -> int | None:
        return self._priors.vector_size(request)


class _Answering(SyntheticProvider):
    """The models of one scenario; keeps some requests to learn from."""

    def __init__(self, scenario: Scenario, priors: Priors) -> None:
        super().__init__(priors=_AtShare(priors, scenario), stretch=scenario.stretch, thinking=scenario.thinking)
        self._same = scenario.same
        self.requests: list[Request] = []

    async def __call__(self, call: Call, /) -> Reply:
        if len(self.requests) < _MET:
            self.requests.append(call.request)
        return await super().__call__(call)

    def spot(self, call: Call) -> tuple[object, ...]:
        return (self.seed, call.request.model, call.scope.module) if self._same else super().spot(call)


async def estimate(
    program: TrainableProgram,
    x: Any,
    y: Any,
    settings: FitConfig,
    optimizer: Any = None,
    learn_from: Sequence[Any] = (),
) -> Forecast:
    """The forecast of `program.fit(x, y, ...)`.

    Raises:
        ConfigurationError: what `fit` would raise, too; no optimizer; data that can be read only once.
    """
    if optimizer is None and program.optimizer is None:
        raise ConfigurationError(
            f"{program.name}.estimate needs an optimizer: compile the program with one, or pass optimizer="
        )
    data = data_of(x, y, settings)
    asked = [program, *program.compiled.rewards, *program.compiled.metrics, optimizer or program.optimizer]
    priors = priors_of(models_of(asked), learn_from)
    run = _Run(program, data, settings, optimizer, priors)
    seen = {}
    for scenario in (LOW, EXPECTED, HIGH):
        seen[scenario.name], met = await run.simulate(scenario)
        if scenario is LOW and priors.meet(met):  # counting was learnt from these very prompts
            seen[scenario.name], _ = await run.simulate(scenario)
    loads = scaled(data.shape, settings, seen["low"], seen["expected"], seen["high"])
    simulated = seen["expected"].shape
    forecast = Forecast(
        rows_of(loads.items(), priors),
        title=f"Forecast of {program.name}.fit: {settings.words(data.shape.train)}",
        notes=(*_sampled(data.shape, simulated, settings), *notes_of(loads.items(), priors)),
        settings=settings.identity(data.shape.train, data.shape.validation),
    )
    keep_forecast(program, forecast)
    return forecast


def _sampled(whole: Shape, part: Shape, settings: FitConfig) -> Iterator[str]:
    if part.train < whole.train or part.validation < whole.validation or settings.span > EPOCHS:
        yield (
            f"Simulated: {part.train:,} of {whole.train:,} training and {part.validation:,} of {whole.validation:,} "
            f"validation samples, {min(settings.span, EPOCHS)} of {settings.span} epochs; scaled by exact counts."
        )


def priors_of(models: Sequence[RemoteModel], learn_from: Sequence[Any] = ()) -> Priors:
    """What the sources given, the open cassette, this process's ledger and the disk caches of these models teach."""
    sources = [learn_from] if isinstance(learn_from, (str, Path, Ledger)) else list(learn_from)
    runtime = current()
    if runtime.cassette is not None:
        sources.append(runtime.cassette)
    priors = Priors.of(*sources, runtime.ledger)
    folders = {str(folder): folder for model in models if (folder := _folder(model.client)) is not None}
    for folder in folders.values():
        priors.add_cache(folder)
    return priors


def _folder(client: Any) -> Path | None:
    """The folder of a model's disk cache, if it has one."""
    return getattr(client._store(), "directory", None)


def _size(program: TrainableProgram) -> int:
    """How much the program's variables hold, characters of JSON."""
    variables = program.trainable_variables if program.fitting is None else program.fitting.variables
    return sum(len(_json.canonical(Candidate.of(variable).to_json())) for variable in variables)


def _begin_with(program: TrainableProgram, chosen: Callable[..., Any]) -> None:
    """Write the shortest or the longest candidate known into each variable, and forget the others.

    Which of the pool a fit goes on with depends on rewards that nobody knows yet.
    """
    for variable in program.trainable_variables:
        value, now = variable.get_json(), Candidate.of(variable)
        saved = (*value["best_candidates"], *value["seed_candidates"])
        others = [now.with_fields(Candidate.from_json(one).fields) for one in saved]
        chosen([now, *others], key=lambda candidate: len(_json.canonical(candidate.fields))).write_to(variable)
        for name in ("best_candidates", "seed_candidates", "candidates"):
            value[name] = []


def _dimensions(optimizer: Any) -> dict[str, int]:
    """How many numbers the vectors have that an optimizer remembers; new ones must go with them."""
    state = optimizer.get_state() if optimizer is not None else None
    known = state.get("descriptors") if isinstance(state, Mapping) else None
    model = getattr(optimizer, "embedding_model", None)
    if not known or model is None:
        return {}
    return {model.model: len(base64.b64decode(next(iter(known.values())))) // 4}


class _Noted:
    """A block whose errors say that answers were invented."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            error.add_note(
                f"This was met while {self._program}.estimate ran the fit with invented answers; it may be that your "
                "own code can't read them. No model was asked, and the program is as it was"
            )


@dataclass(frozen=True)
class _Run:
    """A fit to be made synthetically, and put back."""

    program: TrainableProgram
    data: Data
    settings: FitConfig
    optimizer: Any
    priors: Priors

    async def simulate(self, scenario: Scenario) -> tuple[Seen, list[Request]]:
        """One synthetic fit; afterwards everything is as it was."""
        program, data, settings = self.program, self.data, self.settings
        part = data.shape.part(settings.minibatch_size, min(settings.span, EPOCHS), scenario.passes, LEAST)
        answering = _Answering(scenario, self.priors)
        kept = Kept([program, self.optimizer, program.optimizer, session._names, session._settings])
        try:
            with warnings.catch_warnings(), _Noted(program.name):
                warnings.simplefilter("ignore")  # they would be about invented answers
                simulated = program.compiled = SimulatedRewards(
                    program.compiled, scenario.scored, lambda: _size(program)
                )
                if self.optimizer is not None:
                    program.optimizer = optimizer_namespace.get(self.optimizer)
                self.priors.dimensions.update(_dimensions(program.optimizer))
                if scenario.begins is not None:
                    _begin_with(program, scenario.begins)
                ledger = await _outside(_fit_isolated(program, answering, arguments(data, part, settings)))
        finally:
            kept.put_back()
        return Seen.of(list(ledger), part, simulated, settings), answering.requests


async def _fit_isolated(program: TrainableProgram, handler: Handler, arguments: dict[str, Any]) -> Ledger:
    """A fit beside the real run; the calls it made."""
    with isolated(handler) as ledger:
        await program.fit(**arguments)
    return ledger


async def _outside(job: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that runs in an empty context: at no place, and in no block of this task."""
    task = asyncio.get_running_loop().create_task(job, context=contextvars.Context())
    try:
        return await task
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait((task,))
        raise


def arguments(data: Data, part: Shape, settings: FitConfig) -> dict[str, Any]:
    """What the synthetic fit is called with: the same settings, on a part of the data."""
    given = settings.simulated(min(settings.span, EPOCHS))
    given.update(_source(data.train, part.train, part.steps, data.streams[0]))
    given["batch_size"] = part.batch
    given["validation_split"] = 0.0
    if data.validation:
        source = _source(data.validation, part.validation, part.validation_steps, data.streams[1])
        given["validation_data"] = (source["x"], source["y"]) if source["y"] is not None else source["x"]
    return given


def _source(examples: list[Any], count: int, steps: int, stream: bool) -> dict[str, Any]:
    """x and y of an evenly spaced part of the examples; of a stream, its first batches."""
    if stream:
        batches = examples[:steps]
        return {"x": lambda: iter(batches), "y": None}
    chosen = [examples[i * len(examples) // count] for i in range(count)]
    targets = [y for _, y in chosen]
    return {"x": [x for x, _ in chosen], "y": None if all(target is None for target in targets) else targets}
