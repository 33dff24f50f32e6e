"""Branch: a decision, and the modules of the labels that it chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

from synalinks._concurrency import run_all
from synalinks._support.keywords import refuse_unknown_keywords
from synalinks._support.setting_of import SettingOf
from synalinks.data import JsonDataModel, SymbolicDataModel
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.control_flow.decision import Decision
from synalinks.modules.control_flow.labels import beside
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import Symbols
from synalinks.modules.generators.settings import passed_on
from synalinks.saving import serialize_synalinks_object


class Branch(Module[tuple[JsonDataModel | None, ...]]):
    """One module of several, or with `MultiDecision` any number of them, run because a decision chose its label.

    The output is a tuple with a value for each branch, None for those not taken; all are None where the decision
    failed. Branches taken together run side by side.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> class Query(synalinks.DataModel):
        ...     query: str
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        >>> branch = synalinks.Branch(
        ...     question="How hard is the query?",
        ...     labels=["easy", "hard"],
        ...     branches=[
        ...         synalinks.Generator(data_model=Answer, language_model="ollama/llama3.2"),
        ...         synalinks.ChainOfThought(data_model=Answer, language_model="ollama/llama3.2"),
        ...     ],
        ...     language_model="ollama/llama3.2",
        ...     return_decision=False,
        ... )
        >>> with synalinks.use_provider(ScriptedProvider([{"thinking": "", "choice": "easy"}, {"answer": "4"}])):
        ...     easy, hard = asyncio.run(branch(Query(query="What is 2 + 2?")))
        >>> easy.get_json(), hard
        ({'answer': '4'}, None)

    Args:
        question, labels: see `Decision`.
        branches: a module or program for each label, in the order of the labels, with one data model as output.
        inject_decision: put the decision behind the inputs of the branches, or before the messages of a chat.
        return_decision: put the decision before the output of the branch.
        language_model, prompt_template, examples, instructions, seed_instructions, temperature, max_tokens, top_p,
            top_k, reasoning_effort, use_inputs_schema, use_outputs_schema: of the decision; as for a `Generator`.
        decision_type: `Decision`, `MultiDecision` or a subclass.
        name, description, trainable, hooks: as for any module.
        decision_model, min_confidence: see `Decision`; no branch is taken where the decision does not count.
        threshold: see `MultiDecision`.
        **kwargs: further arguments of `decision_type`.

    Raises:
        ConfigurationError: labels that `Decision` refuses, another number of branches than labels, a branch that is no
            module or has several outputs, or an argument that the decision does not take.
    """

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # several symbols where other modules give one
        async def __call__(self, inputs: Symbols, *args: Any, **kwargs: Any) -> tuple[SymbolicDataModel, ...]: ...
        @overload
        async def __call__(self, *args: Any, **kwargs: Any) -> tuple[JsonDataModel | None, ...]: ...
        async def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    question = SettingOf("decision")
    language_model = SettingOf("decision")
    prompt_template = SettingOf("decision")
    examples = SettingOf("decision")
    instructions = SettingOf("decision")
    seed_instructions = SettingOf("decision")
    temperature = SettingOf("decision")
    max_tokens = SettingOf("decision")
    top_p = SettingOf("decision")
    top_k = SettingOf("decision")
    reasoning_effort = SettingOf("decision")
    use_inputs_schema = SettingOf("decision")
    use_outputs_schema = SettingOf("decision")
    decision_model = SettingOf("decision")
    min_confidence = SettingOf("decision")
    threshold = SettingOf("decision")

    def __init__(
        self,
        *,
        question: str | None = None,
        labels: Sequence[str] | None = None,
        branches: Sequence[Module] | None = None,
        inject_decision: bool = True,
        return_decision: bool = True,
        language_model: Any = None,
        prompt_template: str | None = None,
        examples: Sequence[Any] | None = None,
        instructions: str | None = None,
        seed_instructions: Sequence[str] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        reasoning_effort: str | None = None,
        use_inputs_schema: bool = False,
        use_outputs_schema: bool = False,
        decision_type: Callable[..., Module] = Decision,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        decision_model: Any = None,
        min_confidence: float | None = None,
        threshold: float | None = None,
        hooks: Sequence[Hook] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        of_decisions = {"decision_model": decision_model, "min_confidence": min_confidence, "threshold": threshold}
        kwargs |= {key: value for key, value in of_decisions.items() if value is not None}
        refuse_unknown_keywords(type(self), kwargs, decision_type.__init__)
        self.inject_decision = inject_decision
        self.return_decision = return_decision
        self.decision = decision_type(
            question=question,
            labels=labels,
            name=f"decision_{self.name}",
            trainable=trainable,
            **passed_on(locals()),
            **kwargs,
        )
        self.labels = list(labels or ())
        self.branches = self._checked(branches)

    @property
    def decision_type(self) -> type[Module]:
        """The class of its decision."""
        return type(self.decision)

    def _checked(self, branches: object) -> list[Module]:
        if not isinstance(branches, (list, tuple)) or not all(isinstance(branch, Module) for branch in branches):
            raise ConfigurationError(f"{self.name}: Branch(branches=[...]) is a list of modules, got {branches!r}")
        if len(branches) != len(self.labels):
            raise ConfigurationError(
                f"{self.name}: Branch has {len(self.labels)} labels {self.labels} and {len(branches)} branches; "
                "give one branch for each label, in the order of the labels"
            )
        return list(branches)

    async def call(self, inputs: Any, training: bool = False) -> tuple[Any, ...]:
        """A value for each branch; None for those not taken."""
        decision = None if inputs is None else await self.decision(inputs, training=training)
        if decision is None:
            return (None,) * len(self.branches)
        taken = self._chosen(decision)
        given = beside(inputs, decision) if self.inject_decision else inputs

        async def run(branch: Module) -> Any:
            output = await branch(given, training=training)
            return decision & output if self.return_decision else output

        found = dict(zip(taken, await run_all(run(self.branches[index]) for index in taken), strict=True))
        return tuple(found.get(index) for index in range(len(self.branches)))

    def _chosen(self, decision: JsonDataModel) -> list[int]:
        """Indices of the branches that a decision chose.

        Raises:
            ConfigurationError: the decision, of a type of the user's own, chose no label of this branch.
        """
        choice = decision.get("choice", decision.get("choices"))
        labels = [choice] if isinstance(choice, str) else choice or []
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            raise ConfigurationError(f"{self.name}: the decision chose {unknown}; the branches are {self.labels}")
        return [index for index, label in enumerate(self.labels) if label in labels]

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> tuple[SymbolicDataModel, ...]:
        """A symbol for each branch."""
        decision = await self.decision(inputs)
        given = beside(inputs, decision) if self.inject_decision else inputs
        outputs = []
        for label, branch in zip(self.labels, self.branches, strict=True):
            output = await branch(given)
            if not isinstance(output, SymbolicDataModel):
                raise ConfigurationError(
                    f"{self.name}: the branch {label!r} ({branch.name}) has several outputs; a branch gives one value"
                )
            outputs.append(decision & output if self.return_decision else output)
        return tuple(outputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of the decision among them."""
        return {
            **self.decision.get_config(),
            "branches": [serialize_synalinks_object(branch) for branch in self.branches],
            "inject_decision": self.inject_decision,
            "return_decision": self.return_decision,
            "decision_type": serialize_synalinks_object(self.decision_type),
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
        }
