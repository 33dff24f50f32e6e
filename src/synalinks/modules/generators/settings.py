"""OverGenerator: the base of modules around one generator, and the arguments that these pass on to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synalinks._support.setting_of import SettingOf
from synalinks.modules.core.module import Module
from synalinks.modules.core.operation import Out

SAMPLING = ("temperature", "max_tokens", "top_p", "top_k", "reasoning_effort")
#: The arguments of a generator that a module around one takes as well.
OPTIONS = (
    "language_model",
    "prompt_template",
    "examples",
    "instructions",
    "seed_instructions",
    *SAMPLING,
    "use_inputs_schema",
    "use_outputs_schema",
)


def passed_on(arguments: Mapping[str, object], *more: str) -> dict[str, Any]:
    """Those of a constructor's arguments, its `locals()`, that it passes on to its generator.

    Args:
        more: names that it passes on besides `OPTIONS`.
    """
    return {name: arguments[name] for name in (*OPTIONS, *more)}


class SamplingOption:
    """A sampling option of a generator as an attribute: what is set there is sent with the next call; None is unset.

    Example:
        >>> generator = synalinks.Generator(language_model="ollama/any", temperature=0.5)
        >>> generator.temperature = None
        >>> generator.temperature, generator.options
        (None, {})

    Args:
        check: raises for a value that is none.
    """

    def __init__(self, check: Callable[[Any, object], None] | None = None) -> None:
        self.check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.options.get(self.name)

    def __set__(self, instance: Any, value: object) -> None:
        if self.check is not None:
            self.check(instance, value)
        if value is None:
            instance.options.pop(self.name, None)
        else:
            instance.options[self.name] = value


class OverGenerator(Module[Out]):
    """The base of modules whose settings are those of the one generator they are made around.

    Example:
        >>> class Answer(synalinks.DataModel):
        ...     answer: str
        >>> thinker = synalinks.ChainOfThought(data_model=Answer, language_model="ollama/any")
        >>> thinker.temperature = 0.7
        >>> thinker.generator.temperature, thinker.language_model.model
        (0.7, 'ollama/any')
    """

    language_model = SettingOf("generator")
    decision_model = SettingOf("generator")
    prompt_template = SettingOf("generator")
    prompt_variables = SettingOf("generator")
    examples = SettingOf("generator")
    instructions = SettingOf("generator")
    seed_instructions = SettingOf("generator")
    use_inputs_schema = SettingOf("generator")
    use_outputs_schema = SettingOf("generator")
    temperature = SettingOf("generator")
    max_tokens = SettingOf("generator")
    top_p = SettingOf("generator")
    top_k = SettingOf("generator")
    reasoning_effort = SettingOf("generator")
