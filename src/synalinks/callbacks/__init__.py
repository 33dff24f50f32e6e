"""Callbacks: called as fit, evaluate and predict go on."""

from __future__ import annotations

from synalinks.callbacks.backup_and_restore import BackupAndRestore
from synalinks.callbacks.budget_stopping import BudgetStopping
from synalinks.callbacks.callback import Callback
from synalinks.callbacks.callback_list import CallbackList
from synalinks.callbacks.csv_logger import CSVLogger
from synalinks.callbacks.early_stopping import EarlyStopping
from synalinks.callbacks.history import History
from synalinks.callbacks.monitor import Monitor, SynalinksProgramModel
from synalinks.callbacks.program_checkpoint import ProgramCheckpoint
from synalinks.callbacks.progress import ProgbarLogger
from synalinks.saving import Kind

CALLBACKS: Kind[Callback] = Kind(
    "a callback",
    Callback,
    (BackupAndRestore, BudgetStopping, CSVLogger, EarlyStopping, History, Monitor, ProgramCheckpoint),
)

get = CALLBACKS.get

__all__ = [
    "BackupAndRestore",
    "BudgetStopping",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "Monitor",
    "ProgbarLogger",
    "ProgramCheckpoint",
    "SynalinksProgramModel",
    "get",
]
