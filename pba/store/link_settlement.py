"""Scoring a link's forecasts: outcomes, record and aggregates are written in one transaction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, func, select, update

from pba.forecasting.link_record import LinkRecord
from pba.scoring import OpenForecast, Outcome, Settlement, settle
from pba.store.old_tables import (
    old_forecasts as forecasts,
    old_outcomes as outcomes,
    old_records as records,
)
from pba.store.outcome_queries import open_forecast
from pba.store.statements import chunks, insert_into, lock_link
from pba.store.tables import aggregates, samples
from pba.types import HORIZONS

__all__ = ["settle_links"]

_MAX_FORECASTS = 500  # of one link, in one transaction
_AROUND = 30  # samples that show what an outlier is, see `pba.telemetry.outliers`
_KEYS = ("mode", "source", "version", "arm", "served", "steps")
_SUMS = [
    column.name for column in aggregates.c if not column.primary_key and column.name != "newest_us"
]


def settle_links(
    connection: Connection, link_ids: Sequence[str], gap_intervals: float
) -> dict[str, tuple[Outcome, ...]]:
    """Score the open forecasts of ``link_ids``; return the new outcomes of each link.

    The links are locked one after the other, so the order of ``link_ids`` prevents deadlocks.
    """
    return {link_id: _settle_link(connection, link_id, gap_intervals) for link_id in link_ids}


def _settle_link(connection: Connection, link_id: str, gap_intervals: float) -> tuple[Outcome, ...]:
    """Score a link's open forecasts as far as its samples allow; return the new outcomes.

    Outcomes are oldest first. The link is locked until the end of the transaction.
    """
    link = lock_link(connection, link_id)
    if link is None:
        return ()
    waiting = _open_forecasts(connection, link)
    if not waiting:
        return ()
    body = connection.execute(select(records.c.body).where(records.c.link == link)).scalar()
    at_us, bandwidth_mbps = _samples_since(connection, link, waiting[0].after_us)
    record = LinkRecord.from_json(body)
    settlement = settle(waiting, at_us, bandwidth_mbps, record, gap_intervals)
    if settlement.outcomes or settlement.closed:
        _write(connection, link, settlement)
    return settlement.outcomes


def _open_forecasts(connection: Connection, link: int) -> list[OpenForecast]:
    query = select(forecasts).where(forecasts.c.link == link, forecasts.c.open)
    query = query.order_by(forecasts.c.after_us).limit(_MAX_FORECASTS)
    rows = connection.execute(query).all()
    settled: dict[int, set[int]] = {}
    for chunk in chunks(row.id for row in rows):
        steps_of = select(outcomes.c.forecast, outcomes.c.steps)
        steps_of = steps_of.where(outcomes.c.forecast.in_(chunk))
        for forecast_id, steps in connection.execute(steps_of):
            settled.setdefault(forecast_id, set()).add(steps)
    return [open_forecast(row, frozenset(settled.get(row.id, ()))) for row in rows]


def _samples_since(
    connection: Connection, link: int, after_us: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return times (microseconds) and bandwidths (Mbps) from ``after_us`` on, oldest first.

    Up to 30 samples from before that time come first: they show what is an outlier.
    """
    earlier = select(samples.c.at_us).where(samples.c.link == link, samples.c.at_us < after_us)
    earliest = earlier.order_by(samples.c.at_us.desc()).limit(_AROUND).subquery()
    since = func.coalesce(select(func.min(earliest.c.at_us)).scalar_subquery(), after_us)
    query = select(samples.c.at_us, samples.c.bandwidth_mbps)
    query = query.where(samples.c.link == link, samples.c.at_us >= since)
    query = query.order_by(samples.c.at_us).limit(_AROUND + _MAX_FORECASTS + HORIZONS[-1])
    rows = connection.execute(query).all()
    at_us = np.array([row.at_us for row in rows], dtype=np.int64)
    return at_us, np.array([row.bandwidth_mbps for row in rows])


def _write(connection: Connection, link: int, settlement: Settlement) -> None:
    if settlement.outcomes:
        rows = [_row(link, outcome) for outcome in settlement.outcomes]
        connection.execute(outcomes.insert(), rows)
        record = {"link": link, "body": settlement.record.to_json()}
        _upsert(connection, records, [record], ["body"])
        _add_to_aggregates(connection, settlement.outcomes)
    for chunk in chunks(settlement.closed):
        connection.execute(update(forecasts).where(forecasts.c.id.in_(chunk)).values(open=False))


def _row(link: int, outcome: Outcome) -> dict[str, Any]:
    return {
        "forecast": outcome.forecast.id,
        "steps": outcome.steps,
        "link": link,
        "at_us": outcome.at_us,
        "forecast_mbps": outcome.forecast_mbps,
        "confidence": outcome.confidence,
        "actual_mbps": outcome.actual_mbps,
        "hit": outcome.hit,
    }


def _add_to_aggregates(connection: Connection, new: Sequence[Outcome]) -> None:
    sums: dict[tuple[str, str, str, str, bool, int], np.ndarray] = {}
    for outcome in new:
        forecast = outcome.forecast
        key = (
            forecast.mode,
            forecast.source,
            forecast.version,
            forecast.arm.value,
            forecast.served,
            outcome.steps,
        )
        sums[key] = sums.get(key, np.zeros(len(_SUMS))) + _summands(outcome)
    rows = [
        dict(zip((*_KEYS, *_SUMS), (*key, *values.tolist()), strict=True))
        for key, values in sorted(sums.items())
    ]
    _upsert(connection, aggregates, rows, _SUMS, add=True)


def _summands(outcome: Outcome) -> np.ndarray:
    """Return what one outcome adds to the columns `_SUMS`."""
    error = outcome.forecast_mbps - outcome.actual_mbps
    over, under = not outcome.hit and error > 0, not outcome.hit and error < 0
    values = (
        *(1, outcome.hit, over, under, *outcome.covered),
        *(outcome.confidence, error, abs(error)),
    )
    return np.array(values, dtype=float)


def _upsert(
    connection: Connection,
    table: Table,
    rows: list[dict[str, Any]],
    columns: Sequence[str],
    add: bool = False,
) -> None:
    """Insert rows; where the key exists, replace its ``columns``, or add to them."""
    insert = insert_into(connection, table)
    new = {
        name: table.c[name] + insert.excluded[name] if add else insert.excluded[name]
        for name in columns
    }
    keys = list(table.primary_key.columns)
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new), rows)
