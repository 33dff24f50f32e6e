"""Programs: graphs of modules that can be called, trained, saved and loaded."""

from synalinks.programs.program import Program
from synalinks.programs.program_json import program_from_json

__all__ = ["Program", "program_from_json"]
