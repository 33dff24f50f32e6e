"""What programs call before they use tuners."""

from __future__ import annotations

import os


def disable_keras_backend() -> None:
    """Keep Keras, where a program imports it beside this library, from loading a deep-learning framework.

    Keras reads the name of its backend at its first import, so that this has no effect after it. A backend that the
    environment names is left as it is.

    Example:
        >>> import os
        >>> synalinks.utils.disable_keras_backend()
        >>> os.environ.pop("KERAS_BACKEND")
        'numpy'
    """
    os.environ.setdefault("KERAS_BACKEND", "numpy")
