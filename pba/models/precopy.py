"""Pre-copy live migration: rounds that copy what was written during the round before.

Clark et al., "Live Migration of Virtual Machines", NSDI 2005. The same rounds run over forecasts,
where they tell the time and the downtime, and over what was measured, where they say what happened.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pba.types import QUANTILES, Floats

__all__ = [
    "LONGEST_DOWNTIME_S",
    "MOST_ROUNDS",
    "MOST_SENT",
    "SURE",
    "Lengths",
    "Migrations",
    "local_lengths",
    "migrate",
    "migration_quantiles",
]

LONGEST_DOWNTIME_S = 0.3
"""The machine stops once the rest takes no longer: the default of QEMU's ``downtime-limit``."""

SURE = 0.95
"""From this probability on, that migrations converge, or that they do not, counts as sure."""

MOST_ROUNDS = 30
"""So many rounds without that do not converge, as in Xen."""

MOST_SENT = 3.0
"""Nor does more data than so many times the memory, as in Xen."""


_STRIDE = 17  # has no divisor in common with the number of levels
_LEAST_MBPS = 1e-9

_LOCAL_POWER = 1.5
# Chosen on val traces: of the downtimes 79 % are inside the 80 % intervals, and with 1 it is 75 %.

Lengths = Callable[[Floats], Floats]
"""From how long rounds would take at the mean rate to how long they take."""


class Migrations(NamedTuple):
    """The outcome of each migration, arrays of one shape.

    Parameters
    ----------
    converges
        Whether the machine can stop for a short time in the end. False too for what is open.
    is_open
        Whether nothing is known of it: the rates end before it does.
    time_s
        From the beginning to the end of the downtime, inf where it does not converge.
    downtime_s
        How long the last copy takes, while the machine stands still; likewise.
    rounds
        How many times memory was copied, the last copy included.
    """

    converges: np.ndarray
    is_open: np.ndarray
    time_s: Floats
    downtime_s: Floats
    rounds: np.ndarray


def migrate(
    time_s: Callable[[Floats], Floats],
    memory_mb: Floats,
    dirty_mbps: Floats,
    adapted: Lengths = np.asarray,
) -> Migrations:
    """Return the outcome of migrations whose machines write on at ``dirty_mbps``.

    A round copies what was written during the round before, at most the whole memory. The machine
    stops when the rest would take at most `LONGEST_DOWNTIME_S` at the rate of the last round.

    Parameters
    ----------
    time_s
        Returns when so many megabits are through, inf for never, NaN where that is not known.
    memory_mb
        The memory to copy, megabits.
    dirty_mbps
        At what rate the machine writes to memory that was copied.
    adapted
        From how long rounds would take by ``time_s`` to how long they take.
    """
    at_s = time_s(memory_mb)
    shape = np.shape(at_s)
    memory_mb, dirty_mbps = np.broadcast_to(memory_mb, shape), np.broadcast_to(dirty_mbps, shape)
    sent, last, lasted_s = memory_mb.astype(float), memory_mb.astype(float), adapted(at_s)
    end_s, running = lasted_s, np.isfinite(lasted_s)
    stops, rounds = np.zeros(shape, dtype=bool), np.ones(shape, dtype=int)
    for _ in range(MOST_ROUNDS):
        waits_s = np.where(running, lasted_s, 0.0)
        rest = np.minimum(dirty_mbps * waits_s, memory_mb)
        stops |= running & (rest * waits_s <= last * LONGEST_DOWNTIME_S)
        last = np.where(running, rest, last)
        running &= ~stops & (sent + rest <= MOST_SENT * memory_mb)
        if not running.any():
            break
        rounds += running
        sent = np.where(running, sent + rest, sent)
        after_s = time_s(sent)
        lasted_s = adapted(_difference(after_s, at_s))
        at_s, end_s = after_s, np.where(running, end_s + lasted_s, end_s)
        running &= np.isfinite(end_s)
    rest_s = adapted(_difference(time_s(sent + np.where(stops, last, 0.0)), at_s))
    downtime_s = np.where(stops, rest_s, np.inf)
    converges = stops & np.isfinite(downtime_s)
    return Migrations(
        converges,
        np.isnan(end_s) | np.isnan(downtime_s),
        np.add(end_s, downtime_s, out=np.full(shape, np.inf), where=converges),
        np.where(converges, downtime_s, np.inf),
        rounds + (converges & (last > 0)),
    )


def _difference(later_s: Floats, earlier_s: Floats) -> Floats:
    """Return the difference, inf after a time that never comes, and NaN after one not known."""
    out = np.where(np.isnan(later_s), np.nan, np.inf)
    return np.subtract(later_s, earlier_s, out=out, where=np.isfinite(later_s))


def local_lengths(step_s: Floats, rates_mbps: Floats) -> Lengths:
    """Return how long rounds over forecasts take.

    The mean rate over a long time says little of the rate in one step of it. In rounds shorter than
    a step the rate differs from that of the curve as the rate one step ahead does from its median,
    half as much again, and independently of the curve.

    Parameters
    ----------
    step_s
        The links' steps, shape ``(link,)``.
    rates_mbps
        The rate one step ahead at `pba.models.mean_rates.LEVELS`, shape ``(link, level)``.
    """
    count = rates_mbps.shape[1]
    mixed = rates_mbps[:, np.arange(count) * _STRIDE % count]
    median = np.maximum(rates_mbps[:, count // 2 : count // 2 + 1], _LEAST_MBPS)
    factors = (np.maximum(mixed, _LEAST_MBPS) / median) ** _LOCAL_POWER
    return lambda plain_s: np.where(plain_s < step_s[:, None], plain_s / factors, plain_s)


def migration_quantiles(values: Floats, finite_only: bool = False) -> Floats:
    """Return the quantiles at `QUANTILES` of equally likely ``values (…, curve)``.

    With ``finite_only`` of those that are finite; of all otherwise, and then inf may be one. There
    is no value between inf and others.
    """
    ordered = np.sort(values, axis=-1)
    known = np.isfinite(values) if finite_only else np.ones_like(values, dtype=bool)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    index = np.minimum((np.array(QUANTILES) * count).astype(int), count - 1)
    return np.asarray(np.take_along_axis(ordered, index, axis=-1))
