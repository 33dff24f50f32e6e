"""The directory of the user in which files of this library are kept from one process to the next."""

from __future__ import annotations

import os
from pathlib import Path


def synalinks_home() -> str:
    """`SYNALINKS_HOME`, or `~/.synalinks`: where `utils.get_file` keeps downloads; made at the first one.

    Example:
        >>> import os
        >>> os.environ["SYNALINKS_HOME"] = "/tmp/mine"
        >>> synalinks.synalinks_home()
        '/tmp/mine'
        >>> del os.environ["SYNALINKS_HOME"]
    """
    return os.environ.get("SYNALINKS_HOME") or str(Path.home() / ".synalinks")
