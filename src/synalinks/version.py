"""The version of the distribution."""

__version__ = "0.1.0"


def version() -> str:
    """The version, e.g. `0.1.0`."""
    return __version__
