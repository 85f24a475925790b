"""The array type that every module uses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats"]

Floats = NDArray[np.floating[Any]]
"""An array of floating-point numbers; its shape is in the docstring of whoever takes or gives it."""
