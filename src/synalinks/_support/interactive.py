"""Where the lines of a run's progress go: to standard output, or to the logger `synalinks`."""

from __future__ import annotations

import logging

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
        print(text, flush=True)
    else:
        logging.getLogger("synalinks").info(text)


session.on_clear(enable_interactive_logging)
