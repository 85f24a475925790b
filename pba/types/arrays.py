"""The array types of all modules."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Booleans", "Floats"]

Floats = NDArray[np.floating[Any]]
"""An array of floating-point numbers; each docstring states the shape."""

Booleans = NDArray[np.bool_]
"""An array of booleans."""
