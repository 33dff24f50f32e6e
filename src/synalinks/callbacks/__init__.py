"""Callbacks: told of what happens in fit, evaluate and predict."""

from synalinks.callbacks.backup_and_restore import BackupAndRestore
from synalinks.callbacks.budget_stopping import BudgetStopping
from synalinks.callbacks.callback import Callback
from synalinks.callbacks.callback_list import CallbackList
from synalinks.callbacks.csv_logger import CSVLogger
from synalinks.callbacks.early_stopping import EarlyStopping
from synalinks.callbacks.history import History
from synalinks.callbacks.program_checkpoint import ProgramCheckpoint
from synalinks.callbacks.progress import ProgbarLogger

__all__ = [
    "BackupAndRestore",
    "BudgetStopping",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "ProgbarLogger",
    "ProgramCheckpoint",
]
