"""Hooks: called before and after every call of a module."""

from synalinks.hooks.everywhere import hooks_of, stop_everywhere, use_everywhere
from synalinks.hooks.hook import Hook
from synalinks.hooks.logger import Logger

__all__ = ["Hook", "Logger", "hooks_of", "stop_everywhere", "use_everywhere"]
