"""Programs: graphs of modules that can be called, trained, saved and loaded."""

from synalinks.programs.function import Function
from synalinks.programs.program import Program
from synalinks.programs.program_json import program_from_json
from synalinks.programs.sequential import Sequential
from synalinks.programs.synalinks_files import NotUnderstood

__all__ = ["Function", "NotUnderstood", "Program", "Sequential", "program_from_json"]
