"""SelfCritique: a generator of a critique of its input and a score in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from synalinks.data import JsonDataModel, SymbolicDataModel, get_score_type, normalize_score
from synalinks.data import schema as schemas
from synalinks.errors import ConfigurationError
from synalinks.hooks import Hook
from synalinks.modules.generators.generator import Generator
from synalinks.modules.generators.settings import OverGenerator, passed_on
from synalinks.modules.models.decision_form import score_schema
from synalinks.saving import serialize_synalinks_object
from synalinks.session import to_snake_case

#: What a reward says of itself in the schema that is sent.
SCALE = "How good it is, on this scale"


class SelfCritique(OverGenerator):
    """A judgement of an input: `critique`, a text, and `reward`, a number in [0, 1].

    The model scores on a scale of named steps, which is mapped to [0, 1]: its lowest step is 0, its highest 1.

    Example:
        >>> from synalinks.testing import ScriptedProvider
        >>> module = synalinks.SelfCritique(language_model="ollama/llama3.2", return_inputs=False)
        >>> with synalinks.use_provider(ScriptedProvider([{"critique": "too short", "reward": 0.2}])):
        ...     judgement = asyncio.run(module(synalinks.ChatMessage(role="assistant", content="4")))
        >>> judgement.get_json()
        {'critique': 'too short', 'reward': 0.2}

    Args:
        return_reward: whether there is a score at all.
        score_type: the scale: `Score` (0, 0.1 ... 1) where None, another one or its name; see `get_score_type`.
        return_inputs: put the input before the judgement.
        language_model, prompt_template, examples, instructions, seed_instructions, temperature, max_tokens, top_p,
            top_k, reasoning_effort, use_inputs_schema, use_outputs_schema: of the inner generator; see `Generator`.
        name, description, trainable, hooks: as for any module.
        decision_model: a `DecisionModel`, or its name, that scores in place of the language model: `reward` alone, the
            mean of the steps by their probabilities, and no `critique`.

    Raises:
        ConfigurationError: no such scale, or a decision model without a reward.
    """

    def __init__(
        self,
        *,
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
        return_reward: bool = True,
        score_type: type[Enum] | str | None = None,
        return_inputs: bool = True,
        name: str | None = None,
        description: str | None = None,
        trainable: bool = True,
        decision_model: Any = None,
        hooks: Sequence[Hook] | None = None,
    ) -> None:
        super().__init__(name=name, description=description, trainable=trainable, hooks=hooks)
        self.score_type = get_score_type(score_type)
        self.return_reward = return_reward
        self.return_inputs = return_inputs
        if decision_model is not None and not return_reward:
            raise ConfigurationError(
                f"{self.name}: a decision model gives no critique, so return_reward=False leaves nothing"
            )
        self.generator = Generator(
            schema=self._asked() if decision_model is None else self._scored(),
            name=f"generator_{self.name}",
            trainable=trainable,
            **passed_on(locals(), "decision_model"),
        )
        said = {"minimum": 0, "maximum": 1, "title": "Reward", "description": "From 0 to 1", "type": "number"}
        self._schema = judgement(said if return_reward else None, critique=decision_model is None)

    def _asked(self) -> dict[str, Any]:
        """The schema of a language model's judgement."""
        return judgement_on(self.score_type) if self.return_reward else judgement(None)

    def _scored(self) -> dict[str, Any]:
        """The schema of a decision model's judgement."""
        scale = score_schema(SCALE, sorted(step.value for step in self.score_type))["properties"]["score"]
        return judgement({**scale, "title": "Reward"}, critique=False)

    async def call(self, inputs: Any, training: bool = False) -> JsonDataModel | None:
        """The judgement of one input; None for no input or a call that failed for good."""
        found: JsonDataModel | None = await self.generator(inputs, training=training)
        if found is None:
            return None
        value = dict(found.get_json())
        if self.return_reward:
            value["reward"] = normalize_score(value["reward"], self.score_type)
        said = JsonDataModel(schema=self._schema, json=value, name=f"judgement_{self.name}")
        if not self.return_inputs:
            return said
        together: JsonDataModel = inputs + said
        return together

    async def compute_output_spec(self, inputs: Any, training: bool = False) -> SymbolicDataModel:
        """The judgement, after the input where that is returned."""
        await self.generator.compute_output_spec(inputs)
        self.generator.built = True
        if not self.return_inputs:
            return SymbolicDataModel(schema=self._schema)
        return SymbolicDataModel(schema=schemas.concat(inputs.get_schema(), self._schema))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; those of the inner generator among them."""
        inner = self.generator.get_config()
        for name in ("schema", "prompt_variables", "streaming", "tool_schemas"):
            del inner[name]
        own = {
            "score_type": scale_config(self.score_type),
            "return_reward": self.return_reward,
            "return_inputs": self.return_inputs,
            "name": self.name,
            "description": self.description,
            "trainable": self.trainable,
        }
        return {**inner, **own}


def judgement(reward: Mapping[str, object] | None, critique: bool = True) -> dict[str, Any]:
    """The schema of a judgement; without a score where `reward` is None."""
    words = {"type": "string", "title": "Critique", "description": "What is right and what is wrong about it"}
    fields: dict[str, Any] = ({"critique": words} if critique else {}) | (
        {} if reward is None else {"reward": dict(reward)}
    )
    return {
        "title": "Judgement",
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def judgement_on(scale: type[Enum]) -> dict[str, Any]:
    """The schema of a judgement whose score is a step of a scale."""
    steps = [step.value for step in scale]
    return judgement({"enum": steps, "title": "Reward", "description": SCALE, "type": "number"})


def scale_config(scale: type[Enum]) -> Any:
    """A scale as JSON: the name of one of ours, else its registered name."""
    name = to_snake_case(scale.__name__)
    try:
        known = get_score_type(name) is scale
    except ValueError:
        known = False
    return name if known else serialize_synalinks_object(scale)
