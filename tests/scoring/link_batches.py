"""Batches of links to settle, and the same links one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.scoring.batch import DueBatch, LinkSamples, OpenForecasts
from pba.scoring.codes import ARMS, MODES, SOURCES, TARGET_STEPS
from pba.scoring.forecast_body import PredictionArrays, pack, unpack, unpack_all
from tests.scoring.plain_settlement import OpenForecast

RATES = (100.0, 101.0, 95.0, 120.0, 80.0, 260.0, 300.0, 310.0, 4349.0, 30.0, 5.0, 0.0)


@dataclass(frozen=True)
class Link:
    """One link's samples and open forecasts, ordered by their key."""

    at_us: list[int]
    bandwidth_mbps: list[float]
    forecasts: list[dict[str, Any]]
    record: LinkRecord


def random_link(seed: int, varies: bool, merges: bool, step_s: float) -> Link:
    """Return a link with gaps, outliers, both arms and actuals that are known already."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 130))
    steps = [0.9, 1.0, 1.0, 1.0, 1.1, 2.0] + merges * [0.1, 0.3, 0.5, 0.55]
    intervals = rng.choice(steps, count) * rng.choice(
        [1.0, 10.0, 10.5], count, p=[0.96, 0.02, 0.02]
    )
    at_us = (1e15 + np.cumsum(np.round(intervals * step_s * 1e6))).astype(np.int64).tolist()
    usual = rng.choice(RATES[:6], count)
    rates = np.where(rng.random(count) < (0.4 if varies else 0.03), rng.choice(RATES, count), usual)
    if count and rng.random() < 0.3:
        rates[-1] = RATES[8]
    keys = {_key(rng, at_us) for _ in range(int(rng.integers(0, 30)))}
    forecasts = [_forecast(rng, *key, step_s) for key in sorted(keys)]
    return Link(at_us, rates.tolist(), forecasts, _record(rng))


def _key(rng: np.random.Generator, at_us: Sequence[int]) -> tuple[int, int, int]:
    after_us = int(rng.choice(at_us)) if at_us else 10**15
    apart_us = int(rng.integers(-600_000, 600_000)) if rng.random() < 0.1 else 0
    return after_us + apart_us, int(rng.integers(2)), int(rng.integers(1, 3))


def _forecast(
    rng: np.random.Generator, after_us: int, arm: int, version: int, step_s: float
) -> dict[str, Any]:
    names = rng.permutation(EXPERTS)[: rng.integers(len(EXPERTS) + 1)]
    targets = int(rng.choice([3, 5, 6]))
    means_mbps = 1.07 * rng.choice(RATES, targets - 3)  # off the borders of the band
    prediction = {
        "points_mbps": [*rng.choice(RATES, 3).tolist(), *means_mbps.tolist()],
        "confidence": rng.random(targets).tolist(),
        "unadapted": rng.random(targets).tolist(),
        "quantiles_mbps": np.sort(rng.choice(RATES, (targets, 7))).tolist(),
        "members": {str(name): rng.choice(RATES, 3).tolist() for name in names},
    }
    return {
        "after_us": after_us,
        "arm": arm,
        "version": version,
        "created_us": int(rng.integers(0, 10**10)),
        "mode": int(rng.integers(len(MODES))),
        "source": int(rng.integers(len(SOURCES))),
        "served": bool(rng.integers(2)),
        "step_s": step_s * rng.choice([1.0, 1.01, 0.97]) if rng.random() < 0.1 else step_s,
        "took_ms": float(rng.integers(1, 9)),
        "actual_mbps": np.where((rng.random(6) < 0.2) & (np.arange(6) < targets), 100.0, np.nan),
        "body": pack(prediction),
    }


def _record(rng: np.random.Generator) -> LinkRecord:
    record = LinkRecord()
    for horizon in rng.integers(0, 3, int(rng.integers(0, 5))).tolist():
        record = record.after(horizon, float(rng.random()), bool(rng.integers(2)), {"ewma": True})
    return record


def batch_of(links: Sequence[Link]) -> DueBatch:
    """Return the links as one batch; their keys are 3, 6, 9 and so on."""
    numbers = 3 * (1 + np.arange(len(links)))
    counts = [len(link.at_us) for link in links]
    at_us = np.array([at for link in links for at in link.at_us], dtype=np.int64)
    rates = np.array([rate for link in links for rate in link.bandwidth_mbps], dtype=float)
    return DueBatch(
        links=numbers,
        names=tuple(f"link-{number}" for number in numbers),
        reports=np.ones(len(links), dtype=np.int64),
        generation=np.zeros(len(links), dtype=np.int64),
        records=RecordTable.from_bytes([link.record.to_bytes() for link in links]),
        drift=(None,) * len(links),
        forecasts=_open_forecasts(links, numbers),
        samples=LinkSamples(np.repeat(numbers, counts), at_us, rates),
    )


def _open_forecasts(links: Sequence[Link], numbers: np.ndarray) -> OpenForecasts:
    rows = [row for link in links for row in link.forecasts]
    predictions: PredictionArrays = unpack_all([row["body"] for row in rows])

    def column(name: str, kind: Any = np.int64) -> np.ndarray:
        return np.array([row[name] for row in rows], dtype=kind)

    return OpenForecasts(
        link=np.repeat(numbers, [len(link.forecasts) for link in links]),
        **{name: column(name) for name in ("after_us", "arm", "version", "created_us")},
        **{name: column(name) for name in ("mode", "source")},
        served=column("served", bool),
        step_s=column("step_s", float),
        took_ms=column("took_ms", float),
        actual_mbps=column("actual_mbps", float).reshape(-1, len(TARGET_STEPS)),
        **predictions,
    )


def open_forecasts(link: Link, first: int) -> list[OpenForecast]:
    """Return a link's forecasts, numbered from ``first`` on."""
    return [
        OpenForecast(
            id=first + index,
            after_us=row["after_us"],
            step_s=row["step_s"],
            prediction=unpack(row["body"]),
            settled=frozenset(
                steps
                for steps, known in zip(TARGET_STEPS, ~np.isnan(row["actual_mbps"]), strict=True)
                if known
            ),
            arm=ARMS[row["arm"]],
        )
        for index, row in enumerate(link.forecasts)
    ]
