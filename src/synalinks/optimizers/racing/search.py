"""RacingSearch: one search of PromptRacing.

Examples first, then rounds: a batch of cases, half of them answered before; a few children, written from what was wrong
in it; slices of the batch, after each of which the children that fall behind are dropped (a race, as in Maron & Moore
1994 and successive halving, Jamieson & Talwalkar 2016); the two best merged; every few rounds new examples from what
was learnt. All comparisons are paired: parent and child on the same cases, the parent's answers kept from before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from synalinks.errors import SearchEnded
from synalinks.optimizers.paired import Paired
from synalinks.optimizers.racing.examples import RIGHT, Examples
from synalinks.optimizers.racing.proposer import Proposer, Wrong
from synalinks.optimizers.search import Answer, Case, Problem, State


@dataclass(frozen=True, slots=True)
class Pace:
    """The sizes of a search, found on simulated tasks (`benchmarks/learning`), 10 seeds each.

    Attributes:
        first: cases that the start answers.
        slice: cases of a race between two looks at it.
        shortest, longest: cases of a race.
        races: a race is so long that the calls which are left make so many of them.
        children: proposals of a round.
        wrong: wrong predictions that a proposal is shown.
        refresh: rounds between two sets of new examples.
        behind: mean difference at which a child is dropped after a slice.
        ahead, caution, calm, most_ahead: the sum of differences from which a child takes the place of its parent is
            `ahead`, and more by `caution` for each unit of the parent's mean reward above `calm`: a program that is
            good has more to lose than to win by luck.
        confirm: calls left from which a win is confirmed on the cases of the next race.
        good: mean reward of the best state from which it is.
    """

    first: int = 16
    slice: int = 7
    shortest: int = 14
    longest: int = 42
    races: int = 25
    children: int = 2
    wrong: int = 8
    refresh: int = 4
    behind: float = -0.15
    ahead: float = 0.5
    caution: float = 2.5
    calm: float = 0.25
    most_ahead: float = 2.0
    confirm: int = 250
    good: float = 0.45


class RacingSearch:
    """One search.

    Args:
        problem: the search's.
        examples: None where there are to be none.
        proposers: by the path of their variable.
        pace: sizes.
    """

    def __init__(self, problem: Problem, examples: Examples | None, proposers: Sequence[Proposer], pace: Pace) -> None:
        self.problem, self.examples, self.proposers, self.pace = problem, examples, list(proposers), pace
        self.best = problem.starts[0]
        self._order = [int(i) for i in problem.rng.permutation(len(problem.cases))]
        self._next = 0
        self._rounds = 0
        self._kept: list[State] = []  # every state that was the best, in order
        self._finishing = False
        self._reserve = min(pace.shortest, problem.calls_left // 10)  # calls for the comparison with the start
        self._before: State | None = None  # what the best state has beaten, until more cases confirm it
        self._turn = 0

    async def run(self) -> None:
        """The whole search; it ends when what is left cannot pay another race, or nothing is wrong any more."""
        try:
            if not await self._begin():
                return
            left = self.problem.calls_left + 1
            while left > (left := self.problem.calls_left) and left >= self._least and await self._round():
                self._rounds += 1
        except SearchEnded:
            pass
        await self._compare_with_start()

    @property
    def _least(self) -> int:
        """Calls of the shortest round, and of the comparison at the end."""
        return 2 * self.pace.slice + 2 + self.pace.shortest

    async def _compare_with_start(self) -> None:
        """Go back to the newest state that has beaten the start on shared cases, unless the best one has."""
        start, best = self.problem.starts[0], self.best
        self._finishing = True
        if best.key == start.key:
            return
        known, shown = self.problem.known(start), self._shown(best, start)
        cases = [case for case in self.problem.cases if case.index in known and case.index not in shown]
        new = [case for case in cases if case.index not in self.problem.known(best)]
        await self._answers(best, new[: min(self.pace.shortest, self.problem.calls_left)])
        if self._paired(best, start).total <= 0.0:
            beaten = [state for state in self._kept if self._paired(state, start).total > 0.0 and state.key != best.key]
            self._go_back([start, *beaten][-1], "did not beat the start")

    def _spend(self, calls: int) -> None:
        """End the search where calls would be taken from those of the comparison at the end.

        Raises:
            SearchEnded: they would.
        """
        if not self._finishing and self.problem.calls_left - calls < self._reserve:
            raise SearchEnded("what is left is for the comparison with the start")

    def _go_back(self, state: State, why: str) -> None:
        self.problem.note(self.best, why, [state])
        self.best = state
        self.problem.keep(state)

    # --- the beginning ---------------------------------------------------------------------------------------

    async def _begin(self) -> bool:
        """The start, other starts, and the first examples; False where nothing is to be improved."""
        problem, pace = self.problem, self.pace
        cases = self._take(min(pace.first, problem.calls_left))
        if not cases:
            return False
        answers = await self._answers(self.best, cases)
        if all(answer.reward >= RIGHT for answer in answers):
            return False
        for start in problem.starts[1:]:
            await self._challenge(start, cases)
        await self._refresh(verified=False)
        return True

    def _take(self, count: int, leave_out: Collection[int] = ()) -> list[Case]:
        """The next cases in the order of the search, round and round."""
        cases, found = self.problem.cases, list[Case]()
        for _ in range(len(cases)):
            if len(found) == count:
                break
            case = cases[self._order[self._next % len(cases)]]
            self._next += 1
            if case.index not in leave_out:
                found.append(case)
        return found

    async def _answers(self, state: State, cases: Sequence[Case]) -> list[Answer]:
        known = self.problem.known(state)
        if new := sum(case.index not in known for case in cases):
            self._spend(new)
        (answers,) = await self.problem.evaluate([state], cases)
        if self.examples is not None:
            self.examples.observe(state, answers)
        return answers

    # --- races -------------------------------------------------------------------------------------------------

    def _shown(self, *states: State) -> set[int]:
        if self.examples is None:
            return set()
        return set().union(*(self.examples.shown(state) for state in states))

    def _paired(self, one: State, other: State, cases: Sequence[Case] | None = None) -> Paired:
        """One state against another, on cases that neither shows."""
        first, second = self.problem.known(one), self.problem.known(other)
        if cases is not None:
            first = {case.index: first[case.index] for case in cases if case.index in first}
        return Paired.of([(first, second)], self._shown(one, other))

    async def _race(self, children: Sequence[State], cases: Sequence[Case]) -> list[State]:
        """Children that are not behind the best state on the cases, best first; those that fall behind are dropped."""
        running = list(children)
        for begin in range(0, len(cases), self.pace.slice):
            part = cases[begin : begin + self.pace.slice]
            for state in (self.best, *running):
                await self._answers(state, part)
            done = cases[: begin + self.pace.slice]
            running = [
                child for child in running if self._paired(child, self.best, done).mean_in_units >= self.pace.behind
            ]
            if not running:
                return []
        return sorted(running, key=lambda child: -self._paired(child, self.best, cases).total)

    async def _challenge(self, child: State, cases: Sequence[Case], what: str = "seed") -> bool:
        """A race of one child, which takes the place of the best state if it wins."""
        parent = self.best
        won = await self._race([child], cases)
        if won and self._ahead(child, cases):
            self._adopt(child, what)
            return True
        self.problem.note(child, f"{what}: lost", [parent])
        return False

    def _adopt(self, child: State, what: str) -> None:
        self.problem.note(child, f"{what}: kept", [self.best])
        self._before, self.best = self.best, child
        self._kept.append(child)
        self.problem.keep(child)
        for proposer in self.proposers:
            proposer.remember(child)

    # --- rounds ------------------------------------------------------------------------------------------------

    async def _round(self) -> bool:
        """One round; False where there is nothing more to do."""
        if self._rounds % self.pace.refresh == self.pace.refresh - 1 and await self._refresh(verified=True):
            return True
        if not self.proposers:
            return await self._refresh(verified=self._rounds % 2 == 1)
        cases = await self._batch()
        await self._confirm(cases)
        wrong = self._wrong(cases)
        if not wrong:
            return len(self.problem.known(self.best)) < min(2 * self.pace.first, len(self.problem.cases))
        children = await self._children(wrong)
        if not children:  # nothing new to say; what was learnt may make better examples
            await self._refresh(verified=True)
            return True
        winners = [child for child in await self._race(children, cases) if self._ahead(child, cases)]
        for child in children:
            if child not in winners:  # a race that is lost has bad luck in it: what it says may be right
                self._proposer.remember(child)
                self.problem.note(child, "child: lost", [self.best])
        if winners:
            self._adopt(winners[0], "child")
            for other in winners[1:2]:
                await self._merge(other, cases)
        return True

    @property
    def _proposer(self) -> Proposer:
        """Whose turn it is."""
        return self.proposers[(self._turn - 1) % len(self.proposers)]

    def _ahead(self, child: State, cases: Sequence[Case]) -> bool:
        return self._paired(child, self.best, cases).total_in_units >= self._needed(cases)

    def _needed(self, cases: Sequence[Case]) -> float:
        pace = self.pace
        return min(pace.most_ahead, pace.ahead + pace.caution * max(0.0, self._mean(cases) - pace.calm))

    def _mean(self, cases: Sequence[Case]) -> float:
        """Mean reward of the best state on those of the cases that it does not show."""
        known, shown = self.problem.known(self.best), self._shown(self.best)
        rewards = [known[case.index].reward for case in cases if case.index in known and case.index not in shown]
        return sum(rewards) / len(rewards) if rewards else 0.0

    @property
    def _length(self) -> int:
        """Cases of a race: as many as make so many races out of the calls that are left, in whole slices."""
        pace = self.pace
        afforded = self.problem.calls_left // pace.races // pace.slice * pace.slice
        return max(pace.shortest, min(pace.longest, afforded))

    async def _batch(self) -> list[Case]:
        """Cases for a race, which the best state answers."""
        cases = self._mixed()
        await self._answers(self.best, cases)
        return [cases[int(i)] for i in self.problem.rng.permutation(len(cases))]

    def _mixed(self, *others: State) -> list[Case]:
        """Cases for a race: half of them answered by the best state, the others new to it; none that a state shows."""
        known, shown = self.problem.known(self.best), self._shown(self.best, *others)
        old = [case for case in self.problem.cases if case.index in known and case.index not in shown]
        length = self._length
        chosen = [old[int(i)] for i in self.problem.rng.permutation(len(old))[: length // 2]]
        return [*chosen, *self._take(length - len(chosen), {*known, *shown})]

    async def _confirm(self, cases: Sequence[Case]) -> None:
        """Go back to the state before where further cases speak for it: a race that is won has luck in it."""
        before, self._before = self._before, None
        if before is None or self.problem.calls_left < self.pace.confirm or self._mean(cases) < self.pace.good:
            return
        await self._answers(before, cases)
        if self._paired(self.best, before).total_in_units < 1.0:
            self._go_back(before, "not confirmed")

    def _wrong(self, cases: Sequence[Case]) -> list[Wrong]:
        """Wrong answers of the best state: those of the batch first, then earlier ones."""
        known, shown = self.problem.known(self.best), self._shown(self.best)
        batch = {case.index for case in cases}
        found = [
            Wrong(case, known[case.index])
            for case in self.problem.cases
            if case.index in known and case.index not in shown and known[case.index].reward < RIGHT
        ]
        return sorted(found, key=lambda wrong: wrong.case.index not in batch)

    async def _children(self, wrong: Sequence[Wrong]) -> list[State]:
        """New children of the best state, each written from its own draw of the wrong predictions."""
        children, rng = list[State](), self.problem.rng
        self._turn += 1
        sets = [
            [wrong[int(i)] for i in rng.permutation(len(wrong))[: self.pace.wrong]] for _ in range(self.pace.children)
        ]
        self._spend(len(sets))
        for child, outcome in await self._proposer.improve(self.best, sets):
            if child is None:
                self.problem.note(self.best, outcome, [self.best])
            elif child.key not in {one.key for one in children}:
                children.append(child)
        return children

    async def _merge(self, other: State, cases: Sequence[Case]) -> None:
        """One child of the two winners, raced against the better one."""
        if self.problem.calls_left < len(cases) + 1:
            return
        wrong = self._wrong(cases)[: self.pace.wrong]
        self._spend(1)
        child, outcome = await self._proposer.merge(self.best, other, wrong)
        if child is None:
            self.problem.note(self.best, f"merge {outcome}", [self.best, other])
            return
        await self._challenge(child, cases, "merge")

    async def _refresh(self, verified: bool) -> bool:
        """New examples for the best state, raced; False where there are none, or the same ones."""
        if self.examples is None:
            return False
        child = self.examples.written(self.best, self.problem.rng, verified)
        if child.key == self.best.key:
            return False
        await self._challenge(child, self._mixed(child), "examples")
        return True
