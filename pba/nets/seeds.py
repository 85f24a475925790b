"""Initial weights from a NumPy generator instead of the global one of Keras."""

from typing import Any

import numpy as np

__all__ = ["glorot", "lstm_weights", "seed_from"]


def seed_from(draw: np.random.Generator) -> int:
    """Return the next seed.

    >>> seed_from(np.random.default_rng(0)) == seed_from(np.random.default_rng(0))
    True
    """
    return int(draw.integers(2**31))


def glorot(draw: np.random.Generator) -> Any:
    """Return the usual initializer of a dense kernel (Glorot & Bengio, 2010)."""
    from keras import initializers

    return initializers.GlorotUniform(seed=seed_from(draw))


def lstm_weights(draw: np.random.Generator) -> dict[str, Any]:
    """Return the usual initializers of an LSTM."""
    from keras import initializers

    return {
        "kernel_initializer": glorot(draw),
        "recurrent_initializer": initializers.Orthogonal(seed=seed_from(draw)),
    }
