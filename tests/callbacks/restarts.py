"""A process that fits with the disk cache on and dies where it is told to: `python restarts.py FOLDER HOW POINT`.

HOW is `backup`, `resume` or `none`. POINT is `never`, or hook, epoch and batch such as `on_train_batch_end:1:0`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import synalinks
from proofs.sums import solver, some_twice
from synalinks import _json

DIED = 17


class Dies(synalinks.callbacks.Callback):
    """Ends the process at a point of the fit, as a crash would: nothing is closed or told."""

    def __init__(self, hook: str, epoch: int, batch: int) -> None:
        super().__init__()
        self.point = (hook, epoch, batch)
        self.epoch = -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._reach("on_train_batch_end", batch)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._reach("on_test_batch_end", batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._reach("on_epoch_end", 0)

    def _reach(self, hook: str, batch: int) -> None:
        if self.point == (hook, self.epoch, batch):
            os._exit(DIED)


async def run(folder: Path, how: str, point: str) -> None:
    """Fit, and leave program and history behind."""
    program = await solver()
    x, y = some_twice(16)
    callbacks: list[Any] = [
        synalinks.callbacks.EarlyStopping(patience=2, stop_at=None),
        synalinks.callbacks.CSVLogger(folder / "log.csv"),
        synalinks.callbacks.ProgramCheckpoint(folder / "best.json", save_best_only=True),
    ]
    options: dict[str, Any] = {}
    if how == "backup":
        callbacks.insert(0, synalinks.callbacks.BackupAndRestore(folder / "backup"))
    elif how == "resume":
        options["resume"] = True
    if point != "never":
        hook, epoch, batch = point.split(":")
        callbacks.append(Dies(hook, int(epoch), int(batch)))
    # What was asked before the fit counts among the answers taken.
    await program.evaluate(x[:4], y[:4], verbose=0)
    history = await program.fit(
        x, y, batch_size=4, epochs=3, validation_split=0.25, verbose=0, seed=7, callbacks=callbacks, **options
    )
    evaluated = await program.evaluate(x, y, verbose=0)
    program.save(folder / "program.json")
    told = {"history": history.history, "epoch": history.epoch, "stopped_by": history.stopped_by, "after": evaluated}
    told["curve"] = [point.to_dict() for point in history.reward_curve]
    (folder / "history.json").write_text(_json.pretty(told), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), *sys.argv[2:]))
