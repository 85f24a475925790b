"""Reports and forecasts for tests of the store: one sample a second from `START_S` on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pba.monitoring.scorer import ScoredBatch, Scorer
from pba.rollout import Arm
from pba.scoring.codes import ARMS, TARGET_STEPS
from pba.store import Receipt, SampleReport, Store, StoredForecast, WriteBatch

NOW_S = 2e9
START_S = 1e9


def sample_report(
    link_id: str, first: int, count: int, mbps: float = 50.0, rtt_ms: float = np.nan
) -> SampleReport:
    """Return the samples ``first`` to ``first + count`` of a link."""
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0], telemetry[:, 1] = mbps, rtt_ms
    return SampleReport(link_id, START_S + first + np.arange(count), telemetry)


def stored_forecast(
    link_id: str, after: int, mbps: float = 50.0, **changes: object
) -> StoredForecast:
    """Return a forecast of ``mbps`` at all horizons, based on samples up to number ``after``."""
    prediction = {
        "points_mbps": [mbps] * 3,
        "confidence": [0.8, 0.7, 0.6],
        "unadapted": [0.9, 0.8, 0.7],
        "quantiles_mbps": [[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 3,
        "members": {"model": [mbps] * 3, "ewma": [200.0] * 3},
    }
    forecast = StoredForecast(
        link_id, START_S + after, NOW_S, "internet", "model", "v1", 1.0, 2.0, prediction
    )
    return replace(forecast, **changes)  # type: ignore[arg-type]


def with_intervals(
    forecast: StoredForecast, mbps: float = 50.0, targets: int = 6
) -> StoredForecast:
    """Return ``forecast`` with the same mean over each interval, of three or of two."""
    prediction = {
        "points_mbps": [*forecast.prediction["points_mbps"], *[mbps] * 3][:targets],
        "confidence": [0.8, 0.7, 0.6, 0.9, 0.8, 0.7][:targets],
        "unadapted": [0.9, 0.8, 0.7, 0.95, 0.85, 0.75][:targets],
        "quantiles_mbps": ([[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 6)[:targets],
        "members": forecast.prediction["members"],
    }
    return replace(forecast, prediction=prediction)


def write(
    store: Store, *reports: SampleReport, forecasts: Sequence[StoredForecast] = ()
) -> list[Receipt]:
    """Write reports and forecasts in one batch."""
    return store.write(WriteBatch(reports, forecasts))


@dataclass(frozen=True)
class Settled:
    """One new outcome."""

    link_id: str
    version: int
    arm: Arm
    served: bool
    steps: int
    at_us: int
    forecast_mbps: float
    confidence: float
    actual_mbps: float
    hit: bool


def settle(store: Store) -> list[Settled]:
    """Score until nothing is due; return the new outcomes by link, time and steps."""
    scorer = Scorer(store)
    settled: list[Settled] = []
    while (batch := scorer.score_due()).links:
        settled += settled_of(batch)
    return settled


def settled_of(batch: ScoredBatch) -> list[Settled]:
    """Return the outcomes of a scored batch, by link, time and steps."""
    return [
        Settled(
            part.batch.names[part.link_rows[row]],
            int(part.batch.forecasts.version[row]),
            ARMS[part.batch.forecasts.arm[row]],
            bool(part.batch.forecasts.served[row]),
            TARGET_STEPS[target],
            at_us,
            float(part.batch.forecasts.points_mbps[row, target]),
            float(part.batch.forecasts.confidence[row, target]),
            actual_mbps,
            hit,
        )
        for part in batch.parts
        for row, target, at_us, actual_mbps, hit in zip(
            part.outcomes.row.tolist(),
            part.outcomes.target.tolist(),
            part.outcomes.at_us.tolist(),
            part.outcomes.actual_mbps.tolist(),
            part.outcomes.hit.tolist(),
            strict=True,
        )
    ]


def write_both_arms(
    store: Store,
    v1_mbps: Sequence[float],
    v3_mbps: Sequence[float],
    actual_mbps: float = 50.0,
    first: int = 60,
    created_s: float = NOW_S,
) -> None:
    """Write and score forecasts of link ``a`` by both arms, one per sample; v1 is served.

    Their actuals are the samples from number ``first`` on.
    """
    v1 = {"arm": Arm.V1, "version": "v1-x", "served": True, "created_s": created_s}
    v3 = {"arm": Arm.V3, "version": "internet-x", "served": False, "created_s": created_s}
    write(store, sample_report("a", first - 60, 60))
    forecasts = [
        stored_forecast("a", first - 1 + at, mbps, **v1) for at, mbps in enumerate(v1_mbps)
    ]
    forecasts += [
        stored_forecast("a", first - 1 + at, mbps, took_ms=6.0, **v3)
        for at, mbps in enumerate(v3_mbps)
    ]
    write(store, sample_report("a", first, len(v1_mbps), mbps=actual_mbps), forecasts=forecasts)
    settle(store)
