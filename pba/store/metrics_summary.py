"""Accuracy from the aggregates over all outcomes, and the latency of the newest forecasts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from pba.store.link_counts import link_counts
from pba.store.old_tables import old_forecasts as forecasts
from pba.store.tables import aggregates

__all__ = ["summary"]

_NEWEST = 10_000
_NAMES = ("mode", "source", "version", "arm", "served")


def summary(connection: Connection) -> dict[str, Any]:
    """Return the body of `GET /v1/metrics`: overall, by mode, and by model version.

    Accuracy, bias and coverage are over all forecasts one step ahead that were ever scored.
    Latency is that of the newest 10 000 forecasts, from reading the samples to the finished
    forecast. Forecasts that were computed only to compare arms count in ``versions`` alone.
    """
    all_rows = connection.execute(select(aggregates).where(aggregates.c.steps == 1)).all()
    rows = [row for row in all_rows if row.served]
    newest = select(forecasts.c.mode, forecasts.c.took_ms).where(forecasts.c.served)
    latencies = connection.execute(newest.order_by(forecasts.c.id.desc()).limit(_NEWEST)).all()
    modes = sorted({row.mode for row in rows} | {row.mode for row in latencies})
    count, switches = link_counts(connection)
    return {
        "links": count,
        "mode_switches": switches,
        "overall": _summary(rows, [row.took_ms for row in latencies]),
        "modes": {
            mode: _summary(
                [row for row in rows if row.mode == mode],
                [row.took_ms for row in latencies if row.mode == mode],
            )
            for mode in modes
        },
        "versions": [
            {name: getattr(row, name) for name in _NAMES} | _accuracy([row]) for row in all_rows
        ],
    }


def _summary(rows: Sequence[Any], took_ms: Sequence[float]) -> dict[str, Any]:
    return _accuracy(rows) | {"latency_ms": _latency(took_ms)}


def _accuracy(rows: Sequence[Any]) -> dict[str, Any]:
    """Return shares and means over rows of `aggregates`; None where nothing was scored."""
    scored = sum(row.scored for row in rows)

    def mean(name: str) -> float | None:
        return sum(getattr(row, name) for row in rows) / scored if scored else None

    return {
        "scored": int(scored),
        "accuracy_20": mean("hits"),
        "confidence": mean("confidence"),
        "missed_over": mean("over"),
        "missed_under": mean("under"),
        "coverage_50": mean("covered_50"),
        "coverage_90": mean("covered_90"),
        "bias_mbps": mean("error_mbps"),
        "mae_mbps": mean("absolute_error_mbps"),
    }


def _latency(took_ms: Sequence[float]) -> dict[str, float] | None:
    if not took_ms:
        return None
    values = np.array(took_ms)
    return {
        "avg": float(values.mean()),
        "p95": float(np.percentile(values, 95)),
        "max": float(values.max()),
    }
