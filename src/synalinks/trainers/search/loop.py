"""SearchLoop: a `fit` whose optimizer drives the search; its epochs are so many calls each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from synalinks import scope
from synalinks.callbacks import CallbackList, History
from synalinks.data import copy_json
from synalinks.errors import BudgetExceeded, SearchEnded
from synalinks.lm import BudgetTracker, current_run
from synalinks.optimizers.candidates import Candidate
from synalinks.optimizers.search import State
from synalinks.trainers.budgeting.amounts import affordable
from synalinks.trainers.data.data import Samples
from synalinks.trainers.evaluation import measure_validation
from synalinks.trainers.fit_loop import UNTIMELY, Epoch, FitLoop
from synalinks.trainers.fit_parts import FitParts
from synalinks.trainers.resume.checkpoint import with_paths
from synalinks.trainers.search.log import SearchLog
from synalinks.trainers.search.plan import SearchPlan
from synalinks.trainers.search.problem import FitProblem, starts_of


class SearchLoop(FitLoop):
    """One call of `fit` with an optimizer that has a `search`.

    The search is one coroutine. An epoch ends between two of its calls, once the calls of the epoch are made; so
    callbacks, checkpoints, budgets of an epoch and history are those of any other fit. Validated is the kept state: at
    the end of the last epoch, and before where that takes a small part of the calls (`SearchPlan`).

    Args:
        parts, callbacks, tracker: see `FitLoop`.
        plan: calls and epochs.
    """

    def __init__(
        self, parts: FitParts, callbacks: CallbackList, tracker: BudgetTracker | None, plan: SearchPlan
    ) -> None:
        super().__init__(parts, callbacks, tracker)
        self._plan = plan
        self._log = SearchLog()
        self._starts = starts_of(parts.variables)
        self._validated: dict[str, dict[str, float]] = {}  # logs of states that were validated
        self._used = 0
        self._stopped = False
        self._resumed = plan.first  # epochs before this one are given again
        self._epoch = Epoch(plan.first, None)
        self._closed = False
        self._problem: FitProblem | None = None

    # --- what callbacks keep and restore ---------------------------------------------------------------------

    def state(self) -> dict[str, Any] | None:
        """All that the epochs to come depend on."""
        state = super().state()
        if state is None:
            return None
        starts = [{path: copy_json(one.fields) for path, one in start.candidates.items()} for start in self._starts]
        return {**state, "search": {"starts": starts, "validated": self._validated, **self._log.get_state()}}

    def restore(self, state: Mapping[str, Any], where: str) -> None:
        """Go on from a state: the search runs from its beginning, and what it was answered is given again."""
        super().restore(state, where)
        search = with_paths(state, self.parts)["search"]
        self._starts = [
            State({variable.path: Candidate(start[variable.path]) for variable in self.parts.variables})
            for start in search["starts"]
        ]
        self._log.set_state(search)
        self.parts.memory.begin_again()
        self._validated = dict(search["validated"])
        self._resumed = state["epoch"]

    # --- the search --------------------------------------------------------------------------------------------

    async def _run_epochs(self, history: History) -> None:
        import numpy as np  # only training needs it

        parts = self.parts
        rng = np.random.default_rng([parts.config.seed or 0, 1])
        parts.notes.clear()  # those of a run that was cut off: a search is run again from its beginning
        problem = self._problem = FitProblem(parts, self._log, self, self._starts, rng)
        try:
            await self._begin(self._plan.first)
            try:
                await parts.optimizer.search(problem)
                why = f"{parts.optimizer.name} has nothing more to try"
            except SearchEnded as ended:
                why = str(ended)
            except BudgetExceeded as refusal:
                self._epoch.stop, self._epoch.reason = "budget", str(refusal)
            if not self._closed:
                await self._close(last=True)
            history.stopped_by = "callback" if self._epoch.stop == "callback" or self._stopped else None
            if self._epoch.stop in UNTIMELY:
                history.stopped_by, history.stop_reason = self._epoch.stop, self._epoch.reason
            elif history.stopped_by is None and self._epoch.number + 1 < self._plan.epochs:
                history.stop_reason = f"{why}, after {self._used:,} of {self._plan.total:,} calls"
            self.complete = history.stopped_by not in UNTIMELY
        finally:
            parts.costs.release_earmark()
            problem.kept.write_to(parts.variables)
            await parts.optimizer.on_train_end(parts.variables)
            await self._callbacks.call("on_train_end", self._epoch.logs)

    @property
    def _live(self) -> bool:
        """Whether the epoch is one that this run trains, not one of a run that was cut off."""
        return self._epoch.number >= self._resumed

    @property
    def calls_left(self) -> int:
        """Calls that the search can still make, under the plan and every open budget."""
        trackers = [*current_run().budgets]
        rooms = [affordable(tracker, self.parts.costs.dearest) for tracker in trackers]
        return max(0, min([self._plan.total - self._plan.validating - self._used, *rooms]))

    @contextmanager
    def inside(self, **labels: Any) -> Iterator[None]:
        """A block of calls in the place and under the budget of the epoch."""
        with ExitStack() as stack:
            stack.enter_context(scope.enter(epoch=self._epoch.number, **labels))
            if self._epoch.own is not None:
                stack.enter_context(current_run().use_tracker(self._epoch.own))
            yield

    async def before(self, calls: int) -> int:
        """Make room for so many calls; gives the number of the step.

        Raises:
            SearchEnded: all calls are made, or a callback has ended the training.
        """
        self._check_room(calls)
        while self._turns(calls):
            await self._close(last=False)
            self._check_room(calls)
            await self._begin(self._epoch.number + 1)
        self._used += calls
        step = self._epoch.steps
        self._epoch.steps += 1
        if self._live:
            await self._callbacks.call("on_train_batch_begin", step, None)
            self._failures.begin()
        return step

    def _check_room(self, calls: int) -> None:
        if self._stopped:
            raise SearchEnded("the training was ended")
        if self._used + calls > self._plan.total - self._plan.validating:
            raise SearchEnded(f"{self._used} of {self._plan.total} calls are made, and {calls} are needed")

    async def after(self, step: int) -> None:
        """End a step."""
        if not self._live:
            return
        self.parts.costs.count(steps=1)
        rewards = self._rewards()
        logs = {"reward": math.fsum(rewards) / len(rewards)} if rewards else {}
        await self._callbacks.call("on_train_batch_end", step, logs)
        self._stopped = self._stopped or self.parts.run.program.stop_training or self._fails(self._epoch)

    # --- its epochs --------------------------------------------------------------------------------------------

    def _rewards(self) -> list[float]:
        """Of the kept state on the training samples that it was evaluated on."""
        return [] if self._problem is None else [answer.reward for answer in self._problem.answers(self._problem.kept)]

    def _turns(self, calls: int) -> bool:
        """Whether the epoch ends before so many further calls."""
        number, own = self._epoch.number, self._epoch.own
        if not self._live:
            turn = self._log.turns.following
            return turn is not None and turn[:2] == [number, self._used]
        if not self._epoch.steps:
            return False
        if own is not None and affordable(own, self.parts.costs.dearest) < calls:
            return True
        return number + 1 < self._plan.epochs and self._used >= self._plan.end_of(number)

    async def _begin(self, number: int) -> None:
        """Begin an epoch; one of a run that was cut off only by its number."""
        self._epoch, self._closed = Epoch(number, self.parts.costs.own_tracker(number)), False
        self._next = None
        if self._live:
            with self.inside():
                await self._begin_epoch(self._epoch)

    async def _close(self, last: bool) -> None:
        """End the epoch: logs of the kept state, its validation where it is due, and what every fit does."""
        turn, epoch, problem = self._log.turns.again(), self._epoch, self._problem
        self._closed = True
        if turn is not None:
            self._used = turn[2]
            return
        assert problem is not None
        turn = [epoch.number, self._used]
        problem.kept.write_to(self.parts.variables)
        with self.inside():
            self.parts.run.reset_metrics()
            await problem.update_metrics()
            for reward in self._rewards():
                epoch.mean_reward.add(reward)
            epoch.logs = self.parts.run.logs(epoch.mean_reward)
            if self._due(problem.kept, last):
                epoch.logs |= await self._validate_kept(problem.kept)
            for variable in self.parts.variables:
                candidate = problem.kept.candidates[variable.path].scored(self._rewards())
                self.parts.optimizer.populations[variable.path].replace([candidate])
            self._log.turns.add([*turn, self._used])
            await self._end_epoch(epoch)
        self._stopped = self._stopped or epoch.stop not in (None, "epoch budget")

    def _due(self, kept: State, last: bool) -> bool:
        """Whether the epoch ends with a validation; one of a state that was validated costs nothing."""
        config, plan = self.parts.config, self._plan
        source = self.parts.data.validation
        if source is None or self._epoch.stop == "failures" or (isinstance(source, Samples) and not plan.validating):
            return False
        if last or kept.key in self._validated:
            return config.validations > 0
        leaves = self._used + 2 * plan.validating < plan.total
        return config.ends_with_validation(self._epoch.number) and plan.affords(self._used) and leaves

    async def _validate_kept(self, kept: State) -> dict[str, float]:
        source = self.parts.data.validation
        if source is None or (known := self._validated.get(kept.key)) is not None:
            return known if source is not None and known is not None else {}
        measured = await measure_validation(self.parts, source, self._callbacks)
        self._note_validation(measured)
        self._used += self._plan.validating
        if measured.logs:
            self._validated[kept.key] = measured.logs
        return measured.logs
