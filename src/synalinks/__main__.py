"""`python -m synalinks`: the command line."""

from __future__ import annotations

from synalinks.cli import main

if __name__ == "__main__":
    main()
