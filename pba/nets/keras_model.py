"""Whether TensorFlow is installed, and the bytes of a Keras model's file."""

import tempfile
from pathlib import Path
from typing import Any

from pba.extras import require_library

__all__ = ["keras_bytes", "require_tensorflow"]


def keras_bytes(network: Any) -> bytes:
    """Return the content of the file that Keras writes of ``network``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        network.save(path)
        return path.read_bytes()


def require_tensorflow() -> None:
    """Raise `ImportError`, with what to install, where there is no TensorFlow."""
    require_library("tensorflow", "training")
