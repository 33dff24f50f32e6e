"""Proposer: new values for a variable, written by a language model and checked before anything is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from synalinks._json import Json, JsonObject
from synalinks.data import JsonDataModel, Variable
from synalinks.modules import Generator, LanguageModel
from synalinks.modules.generators.chain_of_thought import ChainOfThought
from synalinks.optimizers import grounding
from synalinks.optimizers.learnable import learnable_schema
from synalinks.optimizers.racing import prompts
from synalinks.optimizers.refusals import longest_value, normal, refusal
from synalinks.optimizers.search import Answer, Case, Problem, State

#: Inputs that a proposer is shown, besides those of wrong predictions.
SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Wrong:
    """A case that a state answered wrong."""

    case: Case
    answer: Answer


@dataclass
class Proposer:
    """What proposes values for one variable.

    Args:
        problem: the search's.
        variable: what values are for.
        language_model, temperature, extra, reason: see `PromptRacing`.

    Attributes:
        tried: every value so far, in its normal form.
        versions: values that were raced, as the proposer is shown them, the last one last.
    """

    problem: Problem
    variable: Variable
    language_model: LanguageModel
    temperature: float
    extra: str | None
    reason: bool
    tried: set[str] = field(default_factory=set)
    versions: list[JsonObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        schema = learnable_schema(self.variable)
        self.keys = list(schema["properties"])
        first = self.problem.starts[0].candidates[self.variable.path].learnable
        self.longest = longest_value(first)
        make = ChainOfThought if self.reason else Generator
        self._improving, self._merging = (
            make(
                schema=schema,
                language_model=self.language_model,
                instructions=grounding.instructions(task, self.keys, self.longest, self.extra),
                temperature=self.temperature,
                name=f"{kind}_{self.variable.name}",
                trainable=False,
            )
            for kind, task in (("improve", grounding.IMPROVE), ("merge", grounding.MERGE))
        )

    def learnable(self, state: State) -> JsonObject:
        """The variable's fields in a state, without examples."""
        return state.candidates[self.variable.path].learnable

    async def improve(self, parent: State, wrong: Sequence[Sequence[Wrong]]) -> list[tuple[State | None, str]]:
        """Children of a state, one for each set of wrong predictions; None with the reason where one is refused."""
        path = self.variable.path
        module = grounding.module_of(self.problem.places[path])
        inputs = [
            prompts.ProposalInputs(
                program_description=self.problem.description,
                module=module,
                sample_inputs=[grounding.short(case.inputs) for case in self.problem.cases[:SAMPLES]],
                worked_examples=len(parent.fields(path).get("examples", ())),
                earlier_versions=self.versions[-grounding.VERSIONS :],
                wrong_predictions=self._shown(those),
                current_variable=self.learnable(parent),
            )
            for those in wrong
        ]
        return [self._checked(parent, answer) for answer in await self.problem.ask(self._improving, inputs)]

    async def merge(self, best: State, other: State, wrong: Sequence[Wrong]) -> tuple[State | None, str]:
        """One child of two states (as GEPA merges candidates: Agrawal et al. 2025, arXiv:2507.19457)."""
        inputs = prompts.MergeInputs(
            program_description=self.problem.description,
            module=grounding.module_of(self.problem.places[self.variable.path]),
            wrong_predictions=self._shown(wrong),
            other_variable=self.learnable(other),
            current_variable=self.learnable(best),
        )
        (answer,) = await self.problem.ask(self._merging, [inputs])
        return self._checked(best, answer)

    def _shown(self, wrong: Sequence[Wrong]) -> list[JsonObject]:
        path = self.variable.path
        last = self.problem.places[path].last
        return [prompts.wrong_prediction(one.case, one.answer, path, last) for one in wrong]

    def _checked(self, parent: State, answer: JsonDataModel | None) -> tuple[State | None, str]:
        """The child that an answer makes, or None and why it is refused."""
        if answer is None:
            return None, "refused: no answer"
        values: dict[str, Json] = {name: one for name, one in answer.get_json().items() if name in self.keys}
        reason = refusal(values, self.learnable(parent), self.longest, self.tried)
        self.tried.add(normal(values))
        if reason is not None:
            return None, f"refused: {reason}"
        return parent.with_fields(self.variable.path, values), "proposed"

    def remember(self, state: State) -> None:
        """Add a value that was raced to the versions that are shown, with its mean reward so far."""
        value, rewards = self.learnable(state), [answer.reward for answer in self.problem.known(state).values()]
        shown = [one for one in self.versions if one["variable"] != value]
        new = grounding.version(value, sum(rewards) / len(rewards) if rewards else 0.0, len(rewards))
        self.versions = [*shown, new][-grounding.VERSIONS - 1 :]
