"""What a run that Ctrl-C ended says: what is kept, where, what it cost, and how to go on."""

from __future__ import annotations

from synalinks.callbacks import History
from synalinks.lm import Ledger, cost_text
from synalinks.trainers.fit_config import FitConfig


def words_of_calls(ledger: Ledger) -> str:
    """Of an evaluation or of predictions.

    Example:
        >>> from synalinks.lm import Ledger
        >>> print(words_of_calls(Ledger()))  # doctest: +NORMALIZE_WHITESPACE
        0 calls were made ($0.0000 billed, $0.0000 as if), and program.run_ledger has them. Run it again to go on:
        answers that the disk cache or a cassette has are free
    """
    return (
        f"{_bill(ledger)}, and program.run_ledger has them. Run it again to go on: answers that the disk cache or a "
        "cassette has are free"
    )


def words_of_fit(name: str, history: History, config: FitConfig) -> str:
    """Of a training."""
    epochs = len(history.epoch)
    whole = f"{epochs} whole {'epoch' if epochs == 1 else 'epochs'} of {config.epochs}"
    if config.resume:
        go_on = f"run the same fit again: it goes on with epoch {epochs + config.initial_epoch + 1}"
    else:
        go_on = (
            "run the same fit again: answers that the disk cache or a cassette has are free; with resume=True it would "
            "go on after the last whole epoch"
        )
    return (
        f"{name} has the best candidate so far. Its history, with {whole}, is program.history; {_bill(history.ledger)} "
        f"(program.history.ledger). To go on, {go_on}"
    )


def _bill(ledger: Ledger) -> str:
    total = ledger.total
    return f"{total.calls:,} {'call was' if total.calls == 1 else 'calls were'} made ({cost_text(total)})"
