"""Histories that the tests of a running service share."""

import numpy as np
import pytest

from pba.types import Forecast, History

START_S = 1e9


def noisy_history(
    mbps: float, rtt_ms: float | None = None, count: int = 60, seed: int = 0
) -> History:
    """Return samples a second apart from second 0, with 5 % noise."""
    rng = np.random.default_rng(seed)
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps * np.exp(rng.normal(0, 0.05, count))
    telemetry[:, 1] = np.nan if rtt_ms is None else rtt_ms
    return History(np.arange(count, dtype=float), telemetry)


INTERNET, DATACENTER = noisy_history(50.0), noisy_history(8000.0, rtt_ms=1.0)
BORDERLINE = noisy_history(2000.0, rtt_ms=20.0)


def steady_history(count: int, first: int = 0, mbps: float = 50.0) -> History:
    """Return samples ``first`` to ``first + count`` of one link, a second apart, with 2 % noise."""
    rng = np.random.default_rng(7)
    telemetry = np.full((first + count, 5), np.nan)
    telemetry[:, 0] = mbps * np.exp(rng.normal(0, 0.02, first + count))
    return History(START_S + first + np.arange(count), telemetry[first:])


def assert_same(forecast: Forecast, other: Forecast) -> None:
    """Assert that two forecasts agree, whenever they were computed."""
    for a, b in zip(forecast.horizons, other.horizons, strict=True):
        assert a.bandwidth_mbps == pytest.approx(b.bandwidth_mbps, rel=1e-5)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-5)
        assert a.quantiles_mbps == pytest.approx(b.quantiles_mbps, rel=1e-5)
    assert (forecast.mode, forecast.source, forecast.reasons) == (
        other.mode,
        other.source,
        other.reasons,
    )
