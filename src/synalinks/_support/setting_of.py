"""Settings as attributes: of an object that is held (`SettingOf`), and those that can only be read (`FixedSetting`)."""

from __future__ import annotations

from typing import Any


class SettingOf:
    """An attribute that is read from, and set in, the objects that another holds: the setting of their own name.

    Example:
        >>> class Shell:
        ...     temperature = SettingOf("generator")
        >>> shell = Shell()
        >>> shell.generator = synalinks.Generator(language_model="ollama/any", temperature=0.5)
        >>> shell.temperature = 0.7
        >>> shell.temperature, shell.generator.temperature
        (0.7, 0.7)

    Args:
        *holders: names of the attributes with these objects; the first is read, all are set.
    """

    def __init__(self, *holders: str) -> None:
        self.holders = holders

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else getattr(getattr(instance, self.holders[0]), self.name)

    def __set__(self, instance: object, value: object) -> None:
        for holder in self.holders:
            setattr(getattr(instance, holder), self.name, value)


class FixedSetting:
    """A setting as an attribute that is read only: the object is made with it.

    Example:
        >>> model = synalinks.LanguageModel("ollama/any", timeout=30)
        >>> model.timeout, model.retry
        (30, 5)

    Args:
        source: name of the attribute with the settings, a mapping; one that it lacks is None.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self.source).get(self.name)

    def __set__(self, instance: object, value: object) -> None:
        cls = type(instance).__name__
        raise AttributeError(
            f"{self.name} of a {cls} is set when it is made; make another one: {cls}(..., {self.name}=...)"
        )
