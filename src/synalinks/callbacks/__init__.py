"""Callbacks: told of what happens in fit, evaluate and predict."""

from synalinks.callbacks.callback import Callback
from synalinks.callbacks.callback_list import CallbackList
from synalinks.callbacks.history import History
from synalinks.callbacks.progress import ProgbarLogger

__all__ = ["Callback", "CallbackList", "History", "ProgbarLogger"]
