"""PromptRacing: instructions and examples improved together, by paired races between candidates."""

from synalinks.optimizers.racing.prompt_racing import PromptRacing

__all__ = ["PromptRacing"]
