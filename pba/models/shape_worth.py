"""The worth of candidate points where distributions have few shapes, without computing it anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.types import Floats

__all__ = ["ShapeWorth"]


@dataclass(frozen=True, slots=True, eq=False)
class ShapeWorth:
    """`Bins.worth` of distributions that are each a share of one of a few known shapes.

    Parameters
    ----------
    shapes
        `pba.models.distribution.Bins.worth` of each shape, shape ``(shape, candidate)``.
    highest
        The highest of each, shape ``(shape,)``.
    index, share
        Which shape and how much of it, shape ``(batch, horizon)``.
    """

    shapes: Floats
    highest: Floats
    index: np.ndarray
    share: Floats

    def __getitem__(self, part: slice) -> Self:
        """Return the part for some of the batch."""
        return type(self)(self.shapes, self.highest, self.index[part], self.share[part])

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return ``parts`` of the same shapes, at least one, as one batch, in order."""
        index = np.concatenate([part.index for part in parts])
        share = np.concatenate([part.share for part in parts])
        return cls(parts[0].shapes, parts[0].highest, index, share)
