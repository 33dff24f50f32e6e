"""A program from the JSON text of its architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synalinks import _json
from synalinks.errors import ConfigurationError
from synalinks.programs import files, synalinks_files


def program_from_json(json_string: str, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The program that `program.to_json()` wrote, here or in Synalinks, with its variables as they are made.

    Raises:
        ConfigurationError: not JSON, or not a program.
    """
    try:
        value = _json.exact(json_string)
    except _json.JSONDecodeError as error:
        raise ConfigurationError(f"not JSON: {error}") from error
    if synalinks_files.is_synalinks_file(value) and "config" in value:
        return files.build_translated(value, "the text", custom_objects)
    if not isinstance(value, dict) or "synalinks_program" not in value:
        raise ConfigurationError("not the architecture of a program, as program.to_json() writes it")
    return files.build(value, custom_objects)
