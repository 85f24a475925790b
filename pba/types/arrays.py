"""The array type of all modules."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats"]

Floats = NDArray[np.floating[Any]]
"""An array of floating-point numbers; each docstring states the shape."""
