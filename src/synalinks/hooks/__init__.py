"""Hooks: called before and after every call of a module."""

from synalinks.hooks.hook import Hook
from synalinks.hooks.logger import Logger

__all__ = ["Hook", "Logger"]
