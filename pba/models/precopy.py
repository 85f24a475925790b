"""Pre-copy live migration: rounds that copy what was written during the round before.

Clark et al., "Live Migration of Virtual Machines", NSDI 2005. The same rounds run over forecasts,
where they tell the time and the downtime, and over what was measured, where they say what happened.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pba.models.rate_curves import RateCurves
from pba.types import QUANTILES, Floats

__all__ = [
    "LONGEST_DOWNTIME_S",
    "MOST_ROUNDS",
    "MOST_SENT",
    "Lengths",
    "Migrations",
    "local_lengths",
    "migrate",
    "migration_quantiles",
]

LONGEST_DOWNTIME_S = 0.3
"""The machine stops once the rest takes no longer: the default of QEMU's ``downtime-limit``."""

MOST_ROUNDS = 30
"""So many rounds without that do not converge, as in Xen."""

MOST_SENT = 3.0
"""Nor does more data than so many times the memory, as in Xen."""


_STRIDE = 17  # has no divisor in common with the number of levels
_LEAST_MBPS = 1e-9

_LOCAL_POWER = 1.5
# Chosen on val traces: of the downtimes 79 % are inside the 80 % intervals, and with 1 it is 75 %.

Lengths = Callable[[Floats, Floats], Floats]
"""How long it takes from the end of one amount of megabits to the end of another."""


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


def migrate(length_s: Lengths, memory_mb: Floats, dirty_mbps: Floats) -> Migrations:
    """Return the outcome of migrations whose machines write on at ``dirty_mbps``.

    A round copies what was written during the round before, at most the whole memory. The machine
    stops when the rest would take at most `LONGEST_DOWNTIME_S` at the rate of the last round.

    Parameters
    ----------
    length_s
        Returns how long it takes from the end of one amount of megabits to that of a larger one,
        inf for ever, NaN where that is not known.
    memory_mb
        The memory to copy, megabits.
    dirty_mbps
        At what rate the machine writes to memory that was copied.
    """
    end = length_s(np.zeros_like(memory_mb), memory_mb)
    shape = np.shape(end)
    memory_mb, dirty_mbps = np.broadcast_to(memory_mb, shape), np.broadcast_to(dirty_mbps, shape)
    sent, last, lasted_s = memory_mb.astype(float), memory_mb.astype(float), end
    running = np.isfinite(end)
    stops, rounds = np.zeros(shape, dtype=bool), np.ones(shape, dtype=int)
    for _ in range(MOST_ROUNDS):
        rest = np.minimum(dirty_mbps * np.where(running, lasted_s, 0.0), memory_mb)
        stops |= running & (rest * np.where(running, lasted_s, 0.0) <= last * LONGEST_DOWNTIME_S)
        last = np.where(running, rest, last)
        running &= ~stops & (sent + rest <= MOST_SENT * memory_mb)
        if not running.any():
            break
        rounds += running
        lasted_s = np.where(running, length_s(sent, sent + last), lasted_s)
        sent, end = np.where(running, sent + rest, sent), np.where(running, end + lasted_s, end)
        running &= np.isfinite(end)
    downtime_s = np.where(stops, length_s(sent, sent + np.where(stops, last, 0.0)), np.inf)
    converges = stops & np.isfinite(downtime_s)
    return Migrations(
        converges,
        np.isnan(end) | np.isnan(downtime_s),
        np.add(end, downtime_s, out=np.full(shape, np.inf), where=converges),
        np.where(converges, downtime_s, np.inf),
        rounds + (converges & (last > 0)),
    )


def local_lengths(curves: RateCurves, rates_mbps: Floats) -> Lengths:
    """Return how long rounds take over forecasts.

    The mean rate over a long time says little of the rate in one step of it. In rounds shorter than
    a step the rate differs from that of the curve as the rate one step ahead does from its median,
    half as much again, and independently of the curve.

    Parameters
    ----------
    curves
        One curve for each of `pba.models.mean_rates.LEVELS`.
    rates_mbps
        The rate one step ahead at these levels, shape ``(link, level)``.
    """
    count = rates_mbps.shape[1]
    mixed = rates_mbps[:, np.arange(count) * _STRIDE % count]
    median = np.maximum(rates_mbps[:, count // 2 : count // 2 + 1], _LEAST_MBPS)
    factors = (np.maximum(mixed, _LEAST_MBPS) / median) ** _LOCAL_POWER
    step_s = curves.step_s[:, None]

    def length_s(before_mb: Floats, after_mb: Floats) -> Floats:
        after_s, before_s = curves.time_s(after_mb), curves.time_s(before_mb)
        ends = np.isfinite(after_s)
        plain_s = np.subtract(after_s, before_s, out=np.full(after_s.shape, np.inf), where=ends)
        return np.asarray(np.where(plain_s < step_s, plain_s / factors, plain_s))

    return length_s


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
