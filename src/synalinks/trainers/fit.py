"""A whole `fit`: its checks before the first call, its run, and the loop that trains."""

from __future__ import annotations

from contextlib import AsyncExitStack

from synalinks.callbacks import History
from synalinks.errors import Interrupted
from synalinks.optimizers import Optimizer
from synalinks.trainers.checks import check_targets
from synalinks.trainers.data.data import Source, check_passes
from synalinks.trainers.data.splitting import FitData, split_data
from synalinks.trainers.distributing import Runner, runner_of
from synalinks.trainers.fit_config import FitConfig
from synalinks.trainers.fit_loop import FitLoop
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.forecasting import dry_run as dry_runs
from synalinks.trainers.program_run import TrainableProgram, begin_run
from synalinks.trainers.resume.resume import with_resume
from synalinks.trainers.run_context import run_context, use_callbacks
from synalinks.trainers.search.loop import SearchLoop
from synalinks.trainers.search.plan import SearchPlan
from synalinks.trainers.stopping.words import words_of_fit


async def fit(
    program: TrainableProgram, optimizer: Optimizer, history: History, x: object, y: object, config: FitConfig
) -> None:
    """Train a program on examples; see `Trainer.fit`.

    Args:
        history: is given the logs, the ledger, and how it ended.
    """
    data = split_data(x, y, config, program)
    plan = SearchPlan.of(config, data) if optimizer.searches else None
    config = config if plan is None else plan.config(config)
    history.forecast = program.last_forecast
    async with AsyncExitStack() as stack:
        await _check(program, config, data)
        if (dry := dry_runs.current()) is not None:
            stack.enter_context(await dry.of_fit(program, history, x, y, config))
        runner = await stack.enter_async_context(runner_of(program, program.compilation.rewards, config.distribution))
        await _train(program, optimizer, history, config, data, plan, runner)


async def _check(program: TrainableProgram, config: FitConfig, data: FitData) -> None:
    """Build the program, and check everything that can be checked before the first call."""
    await program.prepare(data.train)
    if config.validation_steps is None:
        check_passes(data.validation, config.validations, "validation_data")
        if config.steps_per_epoch is None:  # with it, one generator may serve several epochs
            check_passes(data.train, config.epochs - config.initial_epoch, "x")
        _check_targets(program, data.train, "the data")
    if data.validation is not None:
        program.compilation.check_schemas(None, data.validation.first().y)
        _check_targets(program, data.validation, "validation_data")
    if data.test is not None:
        _check_targets(program, data.test, "test_data")


def _check_targets(program: TrainableProgram, source: Source, what: str) -> None:
    compiled = program.compilation
    check_targets(compiled.rewards, compiled.metrics, source, program.output_structure, what)


async def _train(
    program: TrainableProgram,
    optimizer: Optimizer,
    history: History,
    config: FitConfig,
    data: FitData,
    plan: SearchPlan | None,
    runner: Runner | None,
) -> None:
    """The training itself, once everything is checked."""
    with (
        run_context(
            f"budget of {program.name}.fit",
            history.ledger,
            config.budgets,
            lambda ledger: words_of_fit(program.name, history, config),
        ) as context,
        use_callbacks(
            program,
            history.ledger,
            [*with_resume(config.resume, config.callbacks), history],  # what they add to the logs is in it
            config.verbose,
            steps=None if plan is not None else data.train.steps(config.batch_size),
            at_most=None if plan is not None else config.steps_per_epoch,
            epochs=config.epochs,
            batch_size=config.batch_size,
            optimizer=optimizer.name,
        ) as callbacks,
    ):
        parts = FitParts.of(begin_run(program, context.ledger, runner), optimizer, config, data, context.tracker)
        program.fitting = (
            FitLoop(parts, callbacks, context.tracker)
            if plan is None
            else SearchLoop(parts, callbacks, context.tracker, plan)
        )
        try:
            await program.fitting.run(history)
        except Interrupted:
            history.stopped_by = "interrupt"
            raise
        finally:
            program.fitting = None
