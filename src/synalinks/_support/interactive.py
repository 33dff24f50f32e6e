"""Where the lines of a run's progress go: to standard output, or to the logger `synalinks`."""

from __future__ import annotations

import logging
import shutil
import sys
import textwrap
from typing import TextIO

from synalinks import session

_SETTING = "interactive_logging"


def enable_interactive_logging() -> None:
    """Progress bars and lines are written to standard output. So it is in a new session."""
    session.set_setting(_SETTING, None)


def disable_interactive_logging() -> None:
    """Progress is logged instead, a line an epoch, by the logger `synalinks` at INFO; no bar is drawn.

    For servers and scheduled jobs, whose logs have levels and handlers of their own. `clear_session()` ends it.

    Example:
        >>> synalinks.config.disable_interactive_logging()
        >>> synalinks.config.is_interactive_logging_enabled()
        False
        >>> synalinks.config.enable_interactive_logging()
    """
    session.set_setting(_SETTING, False)


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to standard output."""
    return bool(session.get_setting(_SETTING, True))


def report(text: str) -> None:
    """Write a line of progress where the session has it."""
    if is_interactive_logging_enabled():
        print(on_screen(text, sys.stdout), flush=True)
    else:
        logging.getLogger("synalinks").info(text)


def on_screen(text: str, stream: TextIO) -> str:
    """A text for a terminal: long lines are broken between words, which a terminal breaks anywhere; code is not."""
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


session.on_clear(enable_interactive_logging)
