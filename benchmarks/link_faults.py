"""Faults that reporters add to a link's samples, for `benchmarks.robustness`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["FAULTS", "Arrivals"]

SHARE = 0.01
SENTINEL_MS = 600_030.0
HIGHEST_MBPS, LEAST_MBPS = 1e7, 0.01
JITTER = 0.2
OFFSET_OF_SECOND, NOISE_OF_SECOND = 1 / 7, 0.03
AHEAD_S, SAMPLES_AHEAD, BLOCK = 240.0, 60, 300


class Arrivals(NamedTuple):
    """Samples in the order in which they arrive.

    Parameters
    ----------
    arrived_s
        The true times, shape ``(arrival,)``.
    stamped_s
        The times that the reporter writes, shape ``(arrival,)``.
    telemetry
        Shape ``(arrival, 5)``.
    newest
        The last arrival when each sample of the clean series has arrived, shape ``(sample,)``.
    """

    arrived_s: np.ndarray
    stamped_s: np.ndarray
    telemetry: np.ndarray
    newest: np.ndarray


Fault = Callable[[np.ndarray, np.ndarray, np.random.Generator], Arrivals]


def clean(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    return Arrivals(times_s, times_s, telemetry, np.arange(len(times_s)))


def spikes(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    """A counter is reset: one rate in a hundred is 10 to 10 000 times as high."""
    telemetry = telemetry.copy()
    odd = rng.random(len(times_s)) < SHARE
    factor = 10.0 ** rng.uniform(1.0, 4.0, len(times_s))
    high = np.maximum(telemetry[:, 0], LEAST_MBPS) * factor
    telemetry[odd, 0] = np.minimum(high, HIGHEST_MBPS)[odd]
    return clean(times_s, telemetry, rng)


def sentinels(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    """A ping fails and is logged as ten minutes: one measured time in a hundred."""
    telemetry = telemetry.copy()
    odd = (rng.random(len(times_s)) < SHARE) & ~np.isnan(telemetry[:, 1])
    telemetry[odd, 1] = SENTINEL_MS
    return clean(times_s, telemetry, rng)


def jitter(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    """Every sample is up to a fifth of the shorter interval beside it early or late."""
    intervals = np.diff(times_s, append=2 * times_s[-1] - times_s[-2])
    beside = np.minimum(intervals, np.concatenate([intervals[:1], intervals[:-1]]))
    moved = times_s + rng.uniform(-JITTER, JITTER, len(times_s)) * beside
    return clean(moved, telemetry, rng)


def doubled(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    """A second agent measures a seventh of a step later, with 3 % noise.

    Every other forecast follows the first agent's sample, the rest the second one's.
    """
    intervals = np.diff(times_s, append=2 * times_s[-1] - times_s[-2])
    second = telemetry.copy()
    second[:, 0] *= np.exp(rng.normal(0.0, NOISE_OF_SECOND, len(times_s)))
    second[:, 0] = np.minimum(second[:, 0], HIGHEST_MBPS)
    both_s = np.stack([times_s, times_s + OFFSET_OF_SECOND * intervals], axis=1).ravel()
    both = np.stack([telemetry, second], axis=1).reshape(-1, telemetry.shape[1])
    sample = np.arange(len(times_s))
    return Arrivals(both_s, both_s, both, 2 * sample + sample % 2)


def clock_jumps(times_s: np.ndarray, telemetry: np.ndarray, rng: np.random.Generator) -> Arrivals:
    """In each 300 samples, a clock is 240 s ahead for 60, then right."""
    stamped_s = times_s.copy()
    for start in range(0, len(times_s), BLOCK):
        stop = min(start + BLOCK, len(times_s))
        first = int(rng.integers(start + 2, max(start + 3, stop - SAMPLES_AHEAD)))
        stamped_s[first : first + SAMPLES_AHEAD] = times_s[first : first + SAMPLES_AHEAD] + AHEAD_S
    return Arrivals(times_s, stamped_s, telemetry, np.arange(len(times_s)))


FAULTS: Mapping[str, Fault] = {
    "clean": clean,
    "1 % spikes": spikes,
    "1 % sentinel RTT": sentinels,
    "20 % jitter": jitter,
    "doubled series": doubled,
    "clock jumps": clock_jumps,
}
