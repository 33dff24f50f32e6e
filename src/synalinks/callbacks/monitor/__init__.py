"""Runs written to MLflow: the callback `Monitor`, and programs as models of MLflow."""

from synalinks.callbacks.monitor.monitor import Monitor
from synalinks.callbacks.monitor.program_model import SynalinksProgramModel
from synalinks.hooks.span import Span

__all__ = ["Monitor", "Span", "SynalinksProgramModel"]
