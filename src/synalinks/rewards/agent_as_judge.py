"""AgentAsJudge: an agent that looks things up with tools before it scores a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from synalinks._json import JsonObject
from synalinks._support.setting_of import SettingOf
from synalinks.data import JsonDataModel, Rating20, get_score_type, normalize_score
from synalinks.modules import FunctionCallingAgent
from synalinks.modules.agents.skills import AnyPath
from synalinks.modules.generators.self_critique import judgement_on, scale_config
from synalinks.modules.tools.tool import AnyTool
from synalinks.rewards.program_as_judge import ProgramAsJudge
from synalinks.saving import serialize_synalinks_object

INSTRUCTIONS = (
    "Judge how good an answer is. Fields that begin with `gold_` are the right answer, where there is one; the others "
    "are the answer to be judged. Use the tools to check what can be checked; trust no claim that a tool can test."
)
FINAL_INSTRUCTIONS = (
    "Judge the answer by what was found. First say what is right and what is wrong about it, then score it: the "
    "highest score for an answer without fault, the lowest for one that is of no use."
)


class AgentAsJudge(ProgramAsJudge):
    """A score of the prediction by an agent with tools, which is shown the target's fields prefixed with `gold_`.

    The agent scores on a scale of steps, mapped to [0, 1]. A `messages` field of a prediction, such as the trajectory
    of another agent, is shown as `judged_messages`: it is what is judged, and no part of the judge's own conversation.
    An empty prediction scores 0 without a call; so does, with a warning, one whose judgement failed.

    Args:
        language_model: a `LanguageModel`, its name, or None for the session's default at the first call.
        tools: functions, or values of `Tool`; a judge without any has one turn before it scores.
        prompt_template, examples, instructions, final_instructions, max_iterations, use_chain_of_thought, workdir,
            skills: of the agent; see `FunctionCallingAgent`.
        score_type: the scale; see `SelfCritique`.
        name, reduction, in_mask, out_mask, in_mask_pattern, out_mask_pattern: see `Reward`.

    Raises:
        ConfigurationError: an argument that the agent refuses.

    Example:
        >>> from synalinks.lm import Reply
        >>> from synalinks.testing import ScriptedProvider
        >>> class Answer(synalinks.DataModel):
        ...     word: str
        ...
        >>> async def count_letters(word: str) -> int:
        ...     '''Count the letters of a word.
        ...
        ...     Args:
        ...         word: the word.
        ...     '''
        ...     return len(word)
        ...
        >>> judge = synalinks.rewards.AgentAsJudge("ollama/llama3.2", tools=[count_letters])
        >>> call = {"id": "1", "name": "count_letters", "arguments": {"word": "seven"}}
        >>> script = [Reply(tool_calls=(call,)), "Five.", {"critique": "It has five letters.", "reward": 20}]
        >>> with synalinks.use_provider(ScriptedProvider(script)):
        ...     asyncio.run(judge(None, Answer(word="seven")))
        ...
        1.0
    """

    language_model = SettingOf("agent")
    tools = SettingOf("agent")
    prompt_template = SettingOf("agent")
    examples = SettingOf("agent")
    instructions = SettingOf("agent")
    final_instructions = SettingOf("agent")
    max_iterations = SettingOf("agent")
    use_chain_of_thought = SettingOf("agent")
    workdir = SettingOf("agent")
    skills = SettingOf("agent")

    def __init__(
        self,
        language_model: object = None,
        tools: Sequence[AnyTool] | None = None,
        prompt_template: str | None = None,
        examples: Sequence[object] | None = None,
        instructions: str | None = None,
        final_instructions: str | None = None,
        score_type: type[Enum] | str | None = Rating20,
        max_iterations: int = 5,
        use_chain_of_thought: bool = False,
        workdir: AnyPath | None = None,
        skills: AnyPath | Sequence[AnyPath] | None = None,
        reduction: str | None = "mean",
        name: str = "agent_as_judge",
        in_mask: Sequence[str] | None = None,
        out_mask: Sequence[str] | None = None,
        in_mask_pattern: str | None = None,
        out_mask_pattern: str | None = None,
    ) -> None:
        self.score_type = get_score_type(score_type)
        self.agent = FunctionCallingAgent(
            schema=judgement_on(self.score_type),
            language_model=language_model,
            prompt_template=prompt_template,
            examples=examples,
            instructions=INSTRUCTIONS if instructions is None else instructions,
            final_instructions=FINAL_INSTRUCTIONS if final_instructions is None else final_instructions,
            use_chain_of_thought=use_chain_of_thought,
            tools=tools,
            return_inputs_with_trajectory=False,
            max_iterations=max_iterations,
            workdir=workdir,
            skills=skills,
            name=f"agent_{name}",
        )
        super().__init__(self.agent, reduction, name, in_mask, out_mask, in_mask_pattern, out_mask_pattern)
        self._given = {"instructions": instructions, "final_instructions": final_instructions}

    async def judge(self, y_true: Any, y_pred: Any) -> Any:
        """The agent's judgement of the prediction beside its target."""
        shown = y_pred.prefix("judged") if "messages" in y_pred.get_json() else y_pred
        found: JsonDataModel | None = await self.agent(shown if y_true is None else y_true.prefix("gold") + shown)
        if found is None:
            return None
        reward = normalize_score(found.get("reward"), self.score_type)
        return JsonDataModel(schema=found.get_schema(), json={**found.get_json(), "reward": reward})

    def get_config(self) -> JsonObject:
        """The constructor's arguments."""
        agent = self.agent.get_config()
        of_agent = ("language_model", "tools", "prompt_template", "examples", "max_iterations", "use_chain_of_thought")
        own = {name: agent[name] for name in (*of_agent, "workdir", "skills")}
        scale = serialize_synalinks_object(scale_config(self.score_type))
        theirs = ("program", "variables")  # nothing trains the agent
        kept = {name: value for name, value in super().get_config().items() if name not in theirs}
        return {**own, "score_type": scale, **self._given, **kept}
