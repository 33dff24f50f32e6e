"""Which file a recording writes, and how it becomes the finished cassette: all rows by place.

`once` and `new_episodes` write the cassette itself. `all` writes a journal beside it, `<path>.recording`, which
replaces the cassette in the end; that of a run that was killed is merged into the cassette when it is opened next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from synalinks import _json
from synalinks.lm.cassette.disk import Lock, refuse_link, rewrite, warn
from synalinks.lm.cassette.file import CassetteFile, header
from synalinks.lm.core.errors import CassetteError, CassetteFormatError, CassetteInUse


def open_for(path: Path, mode: str) -> tuple[CassetteFile, Lock | None]:
    """The file that a run in a mode reads or writes; for `all`, where a cassette is to be replaced, the lock on that.

    Raises:
        CassetteFormatError: the file is no cassette, is broken, or is of a newer format.
        CassetteInUse: it is being recorded elsewhere.
        CassetteError: there is no file to replay, or it can't be read or written.
    """
    journal = path.parent / f"{path.name}.recording"  # a path such as `.` has no name to change
    recover(path, journal)
    if not path.exists():
        if mode == "none":
            raise CassetteError(
                f'there is no cassette {path} to replay. Record it: record_mode="once", or --record-mode once'
            )
        return CassetteFile.create(path), None
    if mode == "all":
        CassetteFile(path).close()  # only a cassette is ever replaced, not any file a typing error may name
        refuse_link(path)
        guard = Lock(path)
        try:
            return CassetteFile.create(journal), guard
        except CassetteError:
            guard.release()
            raise
    cassette = CassetteFile(path, write=mode == "new_episodes")
    if mode == "once" and cassette.unfinished:
        cassette.close()
        cassette = CassetteFile(path, write=True)
        if len(cassette):
            try:
                warn(f"{path}: its first recording was cut off after {cassette.calls} calls and is taken up again")
            except BaseException:  # warnings may be errors; the cassette is not handed out yet, so it is closed here
                cassette.close()
                raise
    return cassette, None


def replace_by(journal: CassetteFile, path: Path, recorded: int, cut: bool) -> None:
    """Put the rows of a journal in the place of the cassette, and remove the journal.

    Args:
        recorded: how many there are; with none, the cassette stays as it is.
        cut: whether the run did not come to its end, so that rows of the cassette stay where there are no newer ones.
    """
    if recorded and cut:
        old = CassetteFile(path)
        try:
            rewrite(path, merged_lines(old, journal))
        finally:
            old.close()
        warn(f"{path}: its re-recording was cut off after {recorded} calls; all are kept, with the older ones")
    elif recorded:
        rewrite(path, merged_lines(journal))
    journal.close()
    journal.path.unlink()


def merged_lines(*cassettes: CassetteFile) -> Iterator[bytes]:
    """The lines of one finished cassette: a header, and the rows of all `cassettes` by place.

    Where several cassettes have a row for the same request and place, the last cassette's stands.
    """
    order: list[tuple[Any, ...]] = []
    newer: set[tuple[Any, ...]] = set()
    for number in reversed(range(len(cassettes))):
        cassette = cassettes[number]
        kept = (index for index in range(len(cassette)) if index not in cassette.dropped)
        found = ((cassette.order(index), number, index) for index in kept)
        rows = [row for row in found if row[0] not in newer]
        newer.update(row[0] for row in rows)
        order += rows
    yield header()
    for _, number, index in sorted(order):
        cassette = cassettes[number]
        moved = index in cassette.homes or (cassette.stale and index not in cassette.events)
        row = cassette.finished(index) if moved else None
        line = cassette.line(index) if row is None else _json.dumps({**row.value, "digest": row.digest}).encode()
        yield line if line.endswith(b"\n") else line + b"\n"


def recover(path: Path, journal: Path) -> None:
    """Merge what an `all` that was cut off had recorded into the cassette, unless it is still going on.

    Where both have a row for the same request and place, the newer one stands.
    """
    if not journal.exists():
        return
    with ExitStack() as stack:
        try:
            new = CassetteFile(journal, write=True)
            stack.callback(new.close)
            cassettes = [new]
            if path.exists():
                cassettes.insert(0, CassetteFile(path, write=True))
                stack.callback(cassettes[0].close)
        except CassetteInUse:
            return
        except CassetteFormatError:
            if journal.stat().st_size > len(header(True)):
                raise
            journal.unlink()  # cut off before its first row
            return
        new.dropped |= new.cancelled
        if count := new.calls:
            rewrite(path, merged_lines(*cassettes))
            warn(f"{path}: its re-recording was cut off after {count} calls; all are kept, with the older ones")
        journal.unlink()
