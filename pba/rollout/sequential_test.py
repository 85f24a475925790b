"""Sequential test of two arms whose outcomes depend on each other: its units are blocks of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pba.types import Floats

__all__ = [
    "BLOCKS_NEEDED",
    "THRESHOLD",
    "Look",
    "autocorrelation",
    "evidence_after_blocks",
    "evidence_of_blocks",
    "evidence_of_links",
    "first_decision",
    "look",
    "threshold",
]

BLOCKS_NEEDED = 14
"""No verdict before so many closed blocks."""

THRESHOLD = 20.0
"""The evidence that decides a single test."""

_LINKS = 16  # from so many on, the links must agree too
_BLOCK_BETS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_LINK_BETS = (*_BLOCK_BETS, 1.0)
_MOST_CORRELATED = 0.95
_MOST_LOG = 700.0  # exp of more is no float
_TINY = 1e-9

_Numbers = Floats | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Look:
    """The state of a test after its last closed block.

    Parameters
    ----------
    evidence
        What the blocks and the links both support.
    verdict
        ``better``, ``worse`` or ``undecided``, by this look alone.
    """

    evidence: float
    verdict: str


def threshold(tests: int) -> float:
    """Return the evidence that decides one of ``tests`` tests which share the error.

    >>> threshold(1), threshold(3)
    (20.0, 60.0)
    """
    return THRESHOLD * tests


def look(sums: _Numbers, totals: _Numbers, counts: _Numbers, decides: float = THRESHOLD) -> Look:
    """Return evidence and verdict after the closed blocks.

    Parameters
    ----------
    sums
        Wins less losses of each closed block over all links, ``(block,)``. Blocks without a pair
        are left out.
    totals, counts
        The links: how many of them have which wins less losses over all blocks, ``(total,)``. They
        may be newer than the blocks.
    decides
        See `threshold`.

    Examples
    --------
    >>> steady = np.array([9, 7, 11, 8, 10, 9, 6, 12, 9, 8, 10, 7, 9, 11])
    >>> links = np.array([5, 6, 7]), np.array([4, 9, 8])
    >>> look(steady[:13], *links).verdict, look(steady, *links).verdict
    ('undecided', 'better')
    >>> look(-steady, -links[0], links[1]).verdict
    'worse'
    """
    if not len(sums):
        return Look(1.0, "undecided")
    log_evidence = float(evidence_of_blocks(sums)[-1])
    if np.sum(counts) >= _LINKS:
        log_evidence = min(log_evidence, float(evidence_of_links(totals, counts)))
    evidence = float(np.exp(min(log_evidence, _MOST_LOG)))
    net = float(np.sum(sums))
    if len(sums) < BLOCKS_NEEDED or evidence < decides or net == 0.0:
        return Look(evidence, "undecided")
    return Look(evidence, "better" if net > 0.0 else "worse")


def evidence_after_blocks(net: _Numbers) -> Floats:
    """Return the evidence after each block.

    Parameters
    ----------
    net
        Wins less losses of each link in each closed block, ``(…, link, block)``.

    Returns
    -------
    Floats
        Shape ``(…, block)``.
    """
    log_evidence = evidence_of_blocks(net.sum(axis=-2))
    if net.shape[-2] >= _LINKS:
        totals: Floats = np.moveaxis(np.cumsum(net, axis=-1), -2, -1).astype(float)
        log_evidence = np.minimum(log_evidence, evidence_of_links(totals))
    return np.asarray(np.exp(np.minimum(log_evidence, _MOST_LOG)))


def first_decision(net: _Numbers, decides: float = THRESHOLD) -> tuple[NDArray[np.int64], Floats]:
    """Return after how many blocks a test decides first, 0 for never, and the sign of its verdict.

    Parameters
    ----------
    net
        As of `evidence_after_blocks`.
    """
    total = np.cumsum(net.sum(axis=-2), axis=-1)
    decided = (evidence_after_blocks(net) >= decides) & (total != 0)
    decided[..., : BLOCKS_NEEDED - 1] = False
    first = decided.argmax(axis=-1)
    sign = np.sign(np.take_along_axis(total, first[..., None], axis=-1)[..., 0])
    any_decided = decided.any(axis=-1)
    return np.where(any_decided, first + 1, 0), np.where(any_decided, sign, 0.0)


def evidence_of_blocks(sums: _Numbers) -> Floats:
    """Return the log of the evidence of the first 1, 2, … blocks, ``(…, block)``.

    A block's sum is divided by the root mean square of the sums so far, its own among them: the
    scale depends on how large the sum is, and not on its sign. Each bet ``c`` multiplies its stake
    by ``2 / (1 + exp(-2 c u))``, which is 1 in the mean if ``u`` and ``-u`` are equally likely
    given the past. The mean of the stakes is then a martingale that starts at 1, so the probability
    that it ever reaches ``x`` is at most ``1 / x`` (Ville, 1939; for signs that are symmetric:
    Koning, arXiv 2310.01153, 2023).

    Neighbouring blocks that lean the same way are no independent units: the log is multiplied by
    ``(1 - r) / (1 + r)``, where ``r`` is their lag-1 autocorrelation. Nothing is claimed of fewer
    than three blocks.

    Parameters
    ----------
    sums
        Wins less losses of each block, ``(…, block)``.
    """
    x = np.asarray(sums, dtype=float)
    count = np.arange(1, x.shape[-1] + 1)
    size = np.sqrt(np.cumsum(x * x, axis=-1) / count)
    log_evidence = _mean_of_logs(np.cumsum(_log_gains(x, size, _BLOCK_BETS), axis=-1))
    r = autocorrelation(x)
    return np.asarray(np.where(count < 3, 0.0, log_evidence * (1.0 - r) / (1.0 + r)))


def autocorrelation(sums: _Numbers) -> Floats:
    """Return the lag-1 autocorrelation of the first 1, 2, … blocks, from 0 to 0.95.

    That of few values is too low by about ``(1 + 4 r) / n`` (Kendall, Biometrika 41, 1954), which
    is added.

    Parameters
    ----------
    sums
        Wins less losses of each block, ``(…, block)``.
    """
    x = np.asarray(sums, dtype=float)
    x = x - x[..., :1]  # the same for r, and exact where all sums are large and alike
    count = np.arange(1, x.shape[-1] + 1)
    total, squares = np.cumsum(x, axis=-1), np.cumsum(x * x, axis=-1)
    mean = total / count
    products = np.zeros_like(x)
    products[..., 1:] = np.cumsum(x[..., 1:] * x[..., :-1], axis=-1)
    # Sum of (x[i] - mean)(x[i + 1] - mean) over the first `count` blocks.
    lagged = products - mean * (2.0 * total - x[..., :1] - x) + (count - 1) * mean**2
    r = lagged / np.maximum(squares - count * mean**2, _TINY)
    return np.asarray(np.clip(r + (1.0 + 4.0 * r) / count, 0.0, _MOST_CORRELATED))


def evidence_of_links(totals: _Numbers, counts: _Numbers | None = None) -> Floats:
    """Return the log of the evidence of links, each of which counts as one unit, ``(…)``.

    So a few links with much traffic cannot decide for all. It is evaluated with the totals of now
    and only ever lowers the evidence of the blocks.

    Parameters
    ----------
    totals
        Wins less losses of links over all blocks, ``(…, link)``.
    counts
        How many links have each total, ``(…, link)``; one by default.
    """
    y = np.asarray(totals, dtype=float)
    weights = np.ones_like(y) if counts is None else np.asarray(counts, dtype=float)
    links = weights.sum(axis=-1, keepdims=True)
    size = np.sqrt((weights * y * y).sum(axis=-1, keepdims=True) / links)
    return _mean_of_logs((weights * _log_gains(y, size, _LINK_BETS)).sum(axis=-1))


def _log_gains(values: Floats, size: Floats, bets: Sequence[float]) -> Floats:
    """Return the log of what each bet gains on each value, ``(bet, …)``; half bet on losses."""
    signed = np.array([*bets, *(-bet for bet in bets)]).reshape(-1, *[1] * values.ndim)
    parts = signed * values / np.maximum(size, _TINY)
    return np.asarray(np.log(2.0) - np.logaddexp(0.0, -2.0 * parts))


def _mean_of_logs(logs: Floats) -> Floats:
    """Return the log of the mean over the first axis of what ``logs`` are logs of."""
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - np.log(len(logs)))
