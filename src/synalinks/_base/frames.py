"""Rows as a pandas table, where pandas is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from synalinks.lm.core.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas


def data_frame(rows: Iterable[Mapping[str, object]], index: str | None = None) -> pandas.DataFrame:
    """A table of the rows, `index` the column that names them.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    try:
        import pandas  # optional, and slow to import, so imported where a table is made
    except ImportError as error:
        raise ConfigurationError(
            "a table of pandas needs pandas, which is not installed: `pip install pandas`, or `pip install "
            "'synalinks-replay[notebook]'`; `ledger.to_dicts()` and `history.costs` are the same without it"
        ) from error
    frame = pandas.DataFrame(list(rows))
    return frame if index is None or index not in frame else frame.set_index(index)
