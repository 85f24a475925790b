"""Comparisons of arms whose outcomes depend on each other: wins less losses by link and block."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEPS", "TraceArms", "simulated_net"]

STEPS = 20_000
DIFFER, AHEAD = 0.15, 0.3  # the arms differ on so many samples; the one ahead wins so many more

Net = NDArray[np.int64]


class Pieces(NamedTuple):
    """Stretches of links that lie in one block and one turn, ``(link, piece)``.

    Parameters
    ----------
    start, stop
        Steps from the first sample on.
    block
        The number of the block.
    sign
        Which arm is ahead.
    """

    start: Net
    stop: Net
    block: Net
    sign: Net


def pieces(
    links: int, block: int, turn: int, shared: bool, rng: np.random.Generator, steps: int = STEPS
) -> Pieces:
    """Return the pieces of closed blocks; turns start anywhere, and each draws its sign.

    Parameters
    ----------
    shared
        Whether all links take the same turns.
    """
    blocks = steps // block
    drawn = 1 if shared else links
    phase = np.broadcast_to(rng.integers(0, turn, (drawn, 1)), (links, 1))
    turns = -(-steps // turn) + 1
    signs = np.broadcast_to(rng.choice([-1, 1], (drawn, turns + 1)), (links, turns + 1))
    changes = np.clip(np.arange(turns + 1) * turn - phase, 0, blocks * block)
    ends = np.broadcast_to(np.arange(blocks + 1) * block, (links, blocks + 1))
    edges = np.sort(np.concatenate([changes, ends], axis=1), axis=1)
    start, stop = edges[:, :-1], edges[:, 1:]
    of_block = np.minimum(start // block, blocks - 1)
    return Pieces(start, stop, of_block, np.take_along_axis(signs, (start + phase) // turn, axis=1))


def simulated_net(links: int, block: int, turn: int, shared: bool, rng: np.random.Generator) -> Net:
    """Return wins less losses, ``(link, block)``, of arms that are equal in the long run."""
    one = (_turns_of_one if turn == 1 else pieces)(links, block, turn, shared, rng)
    differ = rng.binomial(one.stop - one.start, DIFFER)
    wins = rng.binomial(differ, 0.5 + AHEAD * one.sign)
    return _by_block(2 * wins - differ, one, STEPS // block)


class TraceArms(NamedTuple):
    """Two arms on real traces.

    Parameters
    ----------
    total
        Moments at which only the second arm is in band less those at which only the first is, over
        the first 0, 1, … moments of all traces, which follow each other in a circle.
    moments
        How many moments there are.
    """

    total: Net
    moments: int

    @classmethod
    def of(cls, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> Self:
        """Return the arms with these hits, ``(moment,)``."""
        difference = other.astype(np.int64) - one
        circle = np.resize(difference, len(difference) + STEPS)
        return cls(np.append(0, np.cumsum(circle)), len(difference))

    @property
    def advantage(self) -> float:
        """By how much the second arm is in band more often."""
        return float(self.total[self.moments] / self.moments)

    def swapped_net(self, links: int, block: int, turn: int, rng: np.random.Generator) -> Net:
        """Return wins less losses where each link's arms are swapped at random in each turn."""
        one = pieces(links, block, turn, False, rng)
        return _by_block(self._sums(one, rng) * one.sign, one, STEPS // block)

    def better_net(
        self, links: int, block: int, steps: int, points: float, rng: np.random.Generator
    ) -> Net:
        """Return wins less losses where the second arm takes the place of the first.

        It does so in a random share of (link, block) pairs, so that it is better by ``points``.
        """
        one = pieces(links, block, steps, False, rng, steps)
        net = _by_block(self._sums(one, rng), one, steps // block)
        return net * (rng.random(net.shape) < points / self.advantage)

    def _sums(self, one: Pieces, rng: np.random.Generator) -> Net:
        """Return the difference in each piece, links starting anywhere in the circle."""
        at = rng.integers(0, self.moments, (len(one.start), 1))
        return np.asarray(self.total[at + one.stop] - self.total[at + one.start])


def _turns_of_one(
    links: int, block: int, turn: int, shared: bool, rng: np.random.Generator
) -> Pieces:
    """Return `pieces` for turns of one sample: those of a sign in a block are one piece."""
    blocks = STEPS // block
    ahead = rng.binomial(block, 0.5, (1 if shared else links, blocks))
    ahead = np.broadcast_to(ahead, (links, blocks))
    stop = np.concatenate([ahead, block - ahead], axis=1)
    number, sign = np.tile(np.arange(blocks), 2), np.repeat([1, -1], blocks)
    wide = (np.broadcast_to(one, stop.shape) for one in (number, sign))
    return Pieces(np.zeros_like(stop), stop, *wide)


def _by_block(values: Net, one: Pieces, blocks: int) -> Net:
    links = len(values)
    cell = np.arange(links)[:, None] * blocks + one.block
    sums = np.bincount(cell.ravel(), values.ravel(), minlength=links * blocks)
    return sums.reshape(links, blocks).astype(np.int64)
