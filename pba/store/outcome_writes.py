"""Scoring in the store: outcomes, records and sums change together or not at all."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.scoring import OpenForecast, Outcome, Settlement, settle
from pba.store.queries import chunks
from pba.store.tables import aggregates, forecasts, links, outcomes, records, samples
from pba.types import HORIZONS, NetworkMode

__all__ = ["open_links", "recent_of_mode", "recent_outcomes", "settle_link"]

_MOST = 500
_LOOKED_THROUGH = 100_000  # forecasts: a mode that few links are in is not looked for in all
_SUMS = [column.name for column in aggregates.c if not column.primary_key]


def open_links(connection: Connection) -> list[str]:
    """Return the links that have a forecast to score and a sample after it."""
    newer = forecasts.join(
        links, (links.c.id == forecasts.c.link) & (links.c.newest_us > forecasts.c.after_us)
    )
    query = select(links.c.link_id).select_from(newer).where(forecasts.c.open).distinct()
    return list(connection.execute(query).scalars())


def settle_link(connection: Connection, link_id: str, gap_intervals: float) -> tuple[Outcome, ...]:
    """Score what can be scored of a link, oldest first; return the new outcomes."""
    query = select(links.c.id).where(links.c.link_id == link_id).with_for_update()
    link = connection.execute(query).scalar()
    if link is None:
        return ()
    pending = _pending(connection, link)
    if not pending:
        return ()
    record = connection.execute(select(records.c.body).where(records.c.link == link)).scalar()
    at_us, bandwidth_mbps = _after(connection, link, pending[0].after_us)
    known = LinkRecord.from_json(record)
    settled = settle(pending, at_us, bandwidth_mbps, known, gap_intervals)
    if settled.outcomes or settled.closed:
        _save(connection, link, settled)
    return settled.outcomes


def recent_outcomes(
    connection: Connection, link_id: str, count: int
) -> list[tuple[int, float, float, bool]]:
    """Return the last outcomes one step ahead of what a link was told, oldest first."""
    link = select(links.c.id).where(links.c.link_id == link_id).scalar_subquery()
    own = outcomes.c.at_us, outcomes.c.actual_mbps, outcomes.c.forecast_mbps, outcomes.c.hit
    query = select(*own).join(forecasts, forecasts.c.id == outcomes.c.forecast)
    query = query.where(outcomes.c.link == link, outcomes.c.steps == 1, forecasts.c.served)
    rows = connection.execute(query.order_by(outcomes.c.at_us.desc()).limit(count)).all()
    return [(at_us, actual, forecast, hit) for at_us, actual, forecast, hit in reversed(rows)]


def recent_of_mode(connection: Connection, mode: NetworkMode, count: int) -> list[Outcome]:
    """Return the last outcomes one step ahead of a mode's v3 models, in the forecasts' order."""
    newest = select(func.max(forecasts.c.id)).scalar_subquery()
    query = select(forecasts, outcomes.c.at_us, outcomes.c.actual_mbps)
    query = query.join(outcomes, (outcomes.c.forecast == forecasts.c.id) & (outcomes.c.steps == 1))
    query = query.where(forecasts.c.id > newest - _LOOKED_THROUGH)
    query = query.where(forecasts.c.mode == mode.value, forecasts.c.version != "")
    query = query.where(forecasts.c.arm == Arm.V3)
    rows = connection.execute(query.order_by(forecasts.c.id.desc()).limit(count)).all()
    waiting = ((_waiting(row, frozenset()), row) for row in reversed(rows))
    return [Outcome(one, 0, row.at_us, row.actual_mbps) for one, row in waiting]


def _pending(connection: Connection, link: int) -> list[OpenForecast]:
    query = select(forecasts).where(forecasts.c.link == link, forecasts.c.open)
    rows = connection.execute(query.order_by(forecasts.c.after_us).limit(_MOST)).all()
    settled: dict[int, set[int]] = {}
    for chunk in chunks(row.id for row in rows):
        found = select(outcomes.c.forecast, outcomes.c.steps).where(outcomes.c.forecast.in_(chunk))
        for number, steps in connection.execute(found):
            settled.setdefault(number, set()).add(steps)
    return [_waiting(row, frozenset(settled.get(row.id, ()))) for row in rows]


def _waiting(row: Row[Any], settled: frozenset[int]) -> OpenForecast:
    return OpenForecast(
        number=row.id,
        after_us=row.after_us,
        step_s=row.step_s,
        mode=row.mode,
        source=row.source,
        version=row.version,
        arm=Arm(row.arm),
        served=row.served,
        made_us=row.made_us,
        said=json.loads(row.said),
        settled=settled,
    )


def _after(connection: Connection, link: int, after_us: int) -> tuple[np.ndarray, np.ndarray]:
    query = select(samples.c.at_us, samples.c.bandwidth_mbps)
    query = query.where(samples.c.link == link, samples.c.at_us >= after_us)
    rows = connection.execute(query.order_by(samples.c.at_us).limit(_MOST + HORIZONS[-1])).all()
    at_us = np.array([row.at_us for row in rows], dtype=np.int64)
    return at_us, np.array([row.bandwidth_mbps for row in rows])


def _save(connection: Connection, link: int, settled: Settlement) -> None:
    if settled.outcomes:
        connection.execute(outcomes.insert(), [_row(link, one) for one in settled.outcomes])
        _upsert(connection, records, [{"link": link, "body": settled.record.to_json()}], {"body"})
        _tally(connection, settled.outcomes)
    for chunk in chunks(settled.closed):
        connection.execute(update(forecasts).where(forecasts.c.id.in_(chunk)).values(open=False))


def _row(link: int, one: Outcome) -> dict[str, Any]:
    return {
        "forecast": one.pending.number,
        "steps": one.steps,
        "link": link,
        "at_us": one.at_us,
        "forecast_mbps": one.forecast_mbps,
        "confidence": one.confidence,
        "actual_mbps": one.actual_mbps,
        "hit": one.hit,
    }


def _tally(connection: Connection, found: Sequence[Outcome]) -> None:
    sums: dict[tuple[str, str, str, str, bool, int], np.ndarray] = {}
    for one in found:
        said = one.pending
        key = (said.mode, said.source, said.version, said.arm.value, said.served, one.steps)
        sums[key] = sums.get(key, np.zeros(len(_SUMS))) + _counts(one)
    names = ("mode", "source", "version", "arm", "served", "steps")
    rows = [
        dict(zip((*names, *_SUMS), (*key, *counts.tolist()), strict=True))
        for key, counts in sorted(sums.items())
    ]
    _upsert(connection, aggregates, rows, set(_SUMS), add=True)


def _counts(one: Outcome) -> np.ndarray:
    error = one.forecast_mbps - one.actual_mbps
    over, under = not one.hit and error > 0, not one.hit and error < 0
    parts = (1, one.hit, over, under, *one.covered, one.confidence, error, abs(error))
    return np.array(parts, dtype=float)


def _upsert(
    connection: Connection,
    table: Any,
    rows: list[dict[str, Any]],
    changed: set[str],
    add: bool = False,
) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    new = {
        name: table.c[name] + insert.excluded[name] if add else insert.excluded[name]
        for name in changed
    }
    keys = list(table.primary_key.columns)
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new), rows)
