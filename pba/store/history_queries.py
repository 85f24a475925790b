"""Reading a link's past: its samples and forecasts between two times."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.forecast_body import unpack_each
from pba.store.old_tables import old_forecasts, old_outcomes
from pba.store.statements import chunks, number_table, to_seconds
from pba.store.tables import forecasts, links, open_forecasts, samples, versions
from pba.types import COLUMNS, HORIZONS, INTERVALS, History

__all__ = ["link_history"]


def link_history(
    connection: Connection, link_id: str, from_us: int, to_us: int, count: int
) -> tuple[History, list[dict[str, Any]]]:
    """Return a link's samples between two times, and the forecasts based on them.

    Each is limited to the newest ``count``, oldest first. A forecast is in its wire form, with the
    actuals that have arrived, by steps.
    """
    link = select(links.c.id).where(links.c.link_id == link_id).scalar_subquery()
    names = ("at_us", *COLUMNS, "during_transfer")
    query = select(*(samples.c[name] for name in names))
    query = query.where(samples.c.link == link, samples.c.at_us.between(from_us, to_us))
    query = query.order_by(samples.c.at_us.desc()).limit(count)
    table = number_table(connection, query, len(names))[::-1]
    marks = table[:, -1] == 1.0
    history = History(to_seconds(table[:, 0]), table[:, 1:-1], marks if marks.any() else None)
    past = _forecasts(connection, link, from_us, to_us, count)
    past += _old_forecasts(connection, link, from_us, to_us, count)
    return history, sorted(past, key=lambda forecast: forecast["after_s"])[-count:]


def _forecasts(
    connection: Connection, link: Any, from_us: int, to_us: int, count: int
) -> list[dict[str, Any]]:
    by_key: dict[tuple[int, int, int], Row[Any]] = {}
    for table in (open_forecasts, forecasts):  # one that closes meanwhile is read twice, not missed
        query = select(table, versions.c.name.label("version_name"))
        query = query.join(versions, versions.c.id == table.c.version)
        query = query.where(table.c.link == link, table.c.after_us.between(from_us, to_us))
        query = query.order_by(table.c.after_us.desc(), table.c.arm.desc()).limit(count)
        by_key |= {(row.after_us, row.arm, row.version): row for row in connection.execute(query)}
    rows = [by_key[key] for key in sorted(by_key)][-count:]
    predictions = unpack_each([row.body for row in rows])
    return [_forecast(row, one) for row, one in zip(rows, predictions, strict=True)]


def _forecast(row: Row[Any], prediction: dict[str, Any]) -> dict[str, Any]:
    known = zip(HORIZONS, (row.actual_1_mbps, row.actual_5_mbps, row.actual_15_mbps), strict=True)
    means = zip(INTERVALS, (row.mean_5_mbps, row.mean_15_mbps, row.mean_60_mbps), strict=True)
    return {
        "after_s": row.after_us / 1e6,
        "made_at_s": row.created_us / 1e6,
        "mode": MODES[row.mode].value,
        "source": SOURCES[row.source],
        "model_version": row.version_name or None,
        "arm": ARMS[row.arm].value,
        "served": row.served,
        "step_s": row.step_s,
        "took_ms": row.took_ms,
        "said": prediction,
        "actual_mbps": {steps: actual for steps, actual in known if actual is not None},
        "actual_mean_mbps": {steps: mean for steps, mean in means if mean is not None},
    }


def _old_forecasts(
    connection: Connection, link: Any, from_us: int, to_us: int, count: int
) -> list[dict[str, Any]]:
    """Return forecasts that the release before has written, and that are not moved yet."""
    table = old_forecasts.c
    query = select(old_forecasts).where(table.link == link, table.after_us.between(from_us, to_us))
    rows = connection.execute(query.order_by(table.after_us.desc()).limit(count)).all()[::-1]
    actuals = _old_actuals(connection, [row.id for row in rows])
    return [_old_forecast(row, actuals.get(row.id, {})) for row in rows]


def _old_actuals(
    connection: Connection, forecast_ids: Sequence[int]
) -> dict[int, dict[int, float]]:
    """Return the actuals (Mbps) by forecast and steps."""
    actuals: dict[int, dict[int, float]] = {}
    for chunk in chunks(forecast_ids):
        query = select(old_outcomes).where(old_outcomes.c.forecast.in_(chunk))
        for row in connection.execute(query):
            actuals.setdefault(row.forecast, {})[row.steps] = row.actual_mbps
    return actuals


def _old_forecast(row: Row[Any], actuals: Mapping[int, float]) -> dict[str, Any]:
    return {
        "after_s": row.after_us / 1e6,
        "made_at_s": row.made_us / 1e6,
        "mode": row.mode,
        "source": row.source,
        "model_version": row.version or None,
        "arm": row.arm,
        "served": row.served,
        "step_s": row.step_s,
        "took_ms": row.took_ms,
        "said": json.loads(row._mapping["said"]),
        "actual_mbps": actuals,
        "actual_mean_mbps": {},
    }
