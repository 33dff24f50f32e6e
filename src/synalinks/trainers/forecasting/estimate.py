"""`program.estimate`: the forecast of a fit, from synthetic fits of a copy of the program, scaled by exact counts.

A copy of the program is trained with every model answered synthetically, so the prompts are the real ones, examples
included. Three scenarios give the range: no reward at all and short answers (low); every second sample right
(expected); better rewards for longer prompts, and long answers (high).

Scaling. Simulated are at most `EPOCHS` epochs and about `PASSES` passes through the program; of larger data an evenly
spaced part, the same fraction of training and validation samples, so that a validation sample meets as many candidates
as in the whole. The statistics of an epoch are multiplied by exact counts:

    train, validation     samples of the whole / samples simulated
    optimizer             steps of the whole / steps simulated; once an epoch where it was once an epoch
    candidate             steps and minibatch of the whole / those simulated, at most 2 * steps * minibatch samples;
                          that bound, which is the loop's own, is the high figure
    reward                all passes of the whole / passes simulated
    metric                training and validation passes, likewise

Epochs beyond those simulated are like the last one. Callbacks that stop a fit early are not considered.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from synalinks import _json, session
from synalinks import optimizers as optimizer_namespace
from synalinks.errors import ConfigurationError
from synalinks.lm import Forecast, Ledger, Request, current_run, isolated
from synalinks.lm.forecast import Priors, notes_of, rows_of
from synalinks.modules.models.remote_model import RemoteModel
from synalinks.optimizers.candidates import Candidate
from synalinks.trainers.checks import models_of
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.forecasting.copies import copied
from synalinks.trainers.forecasting.data import Data, data_of
from synalinks.trainers.forecasting.scale import scaled
from synalinks.trainers.forecasting.scenarios import EXPECTED, HIGH, LOW, Scenario, ScenarioProvider
from synalinks.trainers.forecasting.shape import Shape
from synalinks.trainers.forecasting.simulated_fit import SimulatedFit
from synalinks.trainers.forecasting.simulated_rewards import SimulatedRewards
from synalinks.trainers.program_run import TrainableProgram
from synalinks.trainers.search.plan import SearchPlan

T = TypeVar("T")
#: Epochs simulated at most: the first has no candidates, the second has some, the third is like those after it.
EPOCHS = 3
#: Samples simulated at the least, of training and of validation.
LEAST = 8


async def estimate(
    program: TrainableProgram,
    x: object,
    y: object,
    config: FitConfig,
    optimizer: object = None,
    learn_from: Sequence[object] = (),
) -> Forecast:
    """The forecast of `program.fit(x, y, ...)`.

    Raises:
        ConfigurationError: an error of `fit`, no optimizer, or data that can be read only once.
        CopyError: the program has an attribute that can't be copied.
    """
    if optimizer is None and program.optimizer is None:
        raise ConfigurationError(
            f"{program.name}.estimate needs an optimizer: compile the program with one, or pass optimizer="
        )
    data = data_of(x, y, config, program)
    callers = [program, *program.compilation.rewards, *program.compilation.metrics, optimizer or program.optimizer]
    priors = priors_of(models_of(callers), learn_from)
    fits = {}
    for scenario in (LOW, EXPECTED, HIGH):
        simulate = partial(_simulate, program, data, config, optimizer, priors, scenario)
        fits[scenario.name], requests = await _outside(simulate())
        if scenario is LOW and priors.calibrate(requests):  # token counts were fitted to these very prompts
            fits[scenario.name], _ = await _outside(simulate())
    searched = None
    if optimizer_namespace.get(optimizer or program.optimizer).searches:
        plan = SearchPlan.of_counts(config, data.shape.train, data.shape.validation)
        config = plan.config(config)
        searched = (plan.total - plan.validating) / config.span
    workloads = scaled(data.shape, config, fits["low"], fits["expected"], fits["high"], searched)
    forecast = Forecast(
        rows_of(workloads.items(), priors),
        title=f"Forecast of {program.name}.fit: {config.words(data.shape.train)}",
        notes=(*_sampled(data.shape, fits["expected"].shape, config), *notes_of(workloads.items(), priors)),
        settings=config.identity(data.shape.train, data.shape.validation),
    )
    program.last_forecast = forecast
    return forecast


def _sampled(whole: Shape, part: Shape, config: FitConfig) -> Iterator[str]:
    if part.train < whole.train or part.validation < whole.validation or config.span > EPOCHS:
        yield (
            f"Simulated: {part.train:,} of {whole.train:,} training and {part.validation:,} of {whole.validation:,} "
            f"validation samples, {min(config.span, EPOCHS)} of {config.span} epochs; scaled by exact counts."
        )


def priors_of(models: Sequence[RemoteModel], learn_from: Sequence[Any] = ()) -> Priors:
    """The usage statistics of the sources given, the open cassette, the ledger and the models' disk caches."""
    sources = [learn_from] if isinstance(learn_from, (str, Path, Ledger)) else list(learn_from)
    run = current_run()
    if run.cassette is not None:
        sources.append(run.cassette)
    priors = Priors.of(*sources, run.ledger)
    for location in dict.fromkeys(model.client.cache_location for model in models):
        if location is not None:
            priors.add_cache(location)
    return priors


# --- one synthetic fit -------------------------------------------------------------------------------------------


async def _simulate(
    program: TrainableProgram, data: Data, config: FitConfig, optimizer: object, priors: Priors, scenario: Scenario
) -> tuple[SimulatedFit, list[Request]]:
    """A synthetic fit of a copy of the program, and the requests it made."""
    part = data.shape.part(config.minibatch_size, min(config.span, EPOCHS), scenario.passes, LEAST)
    provider = ScenarioProvider(scenario, priors)
    with _SILENCE, _Noted(program.name), session.forked_session(), isolated(provider) as ledger:
        session.set_setting("observability", None)
        twin, own_optimizer = copied(program, optimizer)
        rewards = twin.compilation = SimulatedRewards(twin.compilation, scenario.reward, lambda: _size(twin))
        if own_optimizer is not None:
            twin.optimizer = optimizer_namespace.get(own_optimizer)
        priors.dimensions.update(_dimensions(twin.optimizer))
        if scenario.start is not None:
            _start_from(twin, scenario.start)
        await twin.fit(**arguments(data, part, config))
    return SimulatedFit.of(list(ledger), part, rewards, config), provider.requests


async def _outside(job: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that runs in an empty context: at no place, and in no block of this task."""
    task = asyncio.get_running_loop().create_task(job, context=contextvars.Context())
    try:
        return await task
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait((task,))
        raise


class _Silence:
    """A block without warnings, which would be about synthetic answers.

    Filters of warnings belong to the process. Blocks may overlap, so the last one to end restores what the first one
    found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._open += 1
            if self._open == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                self._filters.__exit__(None, None, None)


_SILENCE = _Silence()


class _Noted:
    """A block whose errors get a note that answers were synthetic."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            error.add_note(
                f"raised while {self._program}.estimate ran a copy of the program with invented answers, which code of "
                "your own may not be able to read. No model was called, and the program is unchanged"
            )


def _size(program: TrainableProgram) -> int:
    """Characters of JSON that the program's variables have."""
    variables = program.trainable_variables if program.fitting is None else program.fitting.variables
    return sum(len(_json.canonical(Candidate.of(variable).to_json())) for variable in variables)


def _start_from(program: TrainableProgram, chosen: Callable[..., Any]) -> None:
    """Write the shortest or the longest known candidate into each variable, and clear its pool.

    The candidate that a fit continues with depends on rewards, which are unknown.
    """
    for variable in program.trainable_variables:
        value, now = variable.get_json(), Candidate.of(variable)
        saved = (*value["best_candidates"], *value["seed_candidates"])
        others = [now.with_fields(Candidate.from_json(one).fields) for one in saved]
        chosen([now, *others], key=lambda candidate: len(_json.canonical(candidate.fields))).write_to(variable)
        for name in ("best_candidates", "seed_candidates", "candidates"):
            value[name] = []


def _dimensions(optimizer: Any) -> dict[str, int]:
    """Length of the vectors that an optimizer has kept, by model; new ones are compared with them."""
    state = optimizer.get_state() if optimizer is not None else None
    known = state.get("descriptors") if isinstance(state, Mapping) else None
    model = getattr(optimizer, "embedding_model", None)
    if not known or model is None:
        return {}
    return {model.model: len(base64.b64decode(next(iter(known.values())))) // 4}


def arguments(data: Data, part: Shape, config: FitConfig) -> dict[str, Any]:
    """The arguments of the synthetic fit: those of the real one, on a part of the data."""
    given = config.simulated(min(config.span, EPOCHS))
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
