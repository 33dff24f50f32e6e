"""Hooks: called before and after every call of a module."""

from synalinks.hooks.everywhere import EVERYWHERE, hooks_of, stop_everywhere, use_everywhere
from synalinks.hooks.hook import Hook
from synalinks.hooks.logger import Logger

__all__ = ["EVERYWHERE", "Hook", "Logger", "hooks_of", "stop_everywhere", "use_everywhere"]
