"""Reading forecasts to score, and the outcomes of those that were scored."""

import json
from typing import Any

from sqlalchemy import Connection, Row, func, select

from pba.rollout import Arm
from pba.scoring import OpenForecast, Outcome
from pba.store.old_tables import old_forecasts as forecasts, old_outcomes as outcomes
from pba.store.tables import links
from pba.types import NetworkMode

__all__ = ["open_forecast", "open_links", "recent_mode_outcomes", "recent_outcomes"]

_SCANNED = 100_000  # forecasts: a mode with few links is not searched for among all


def open_links(connection: Connection) -> list[str]:
    """Return the links that have an open forecast and a sample after it."""
    newer = forecasts.join(
        links, (links.c.id == forecasts.c.link) & (links.c.newest_us > forecasts.c.after_us)
    )
    query = select(links.c.link_id).select_from(newer).where(forecasts.c.open).distinct()
    return list(connection.execute(query).scalars())


def open_forecast(row: Row[Any], settled: frozenset[int] = frozenset()) -> OpenForecast:
    """Return the forecast in a row of `forecasts`, of which the steps ``settled`` are scored."""
    return OpenForecast(
        id=row.id,
        after_us=row.after_us,
        step_s=row.step_s,
        mode=row.mode,
        source=row.source,
        version=row.version,
        arm=Arm(row.arm),
        served=row.served,
        created_us=row.made_us,
        prediction=json.loads(row._mapping["said"]),
        settled=settled,
    )


def recent_outcomes(
    connection: Connection, link_id: str, count: int
) -> list[tuple[int, float, float, bool]]:
    """Return a link's last outcomes of served forecasts, one step ahead, oldest first."""
    link = select(links.c.id).where(links.c.link_id == link_id).scalar_subquery()
    columns = outcomes.c.at_us, outcomes.c.actual_mbps, outcomes.c.forecast_mbps, outcomes.c.hit
    query = select(*columns).join(forecasts, forecasts.c.id == outcomes.c.forecast)
    query = query.where(outcomes.c.link == link, outcomes.c.steps == 1, forecasts.c.served)
    rows = connection.execute(query.order_by(outcomes.c.at_us.desc()).limit(count)).all()
    return [(at_us, actual, forecast, hit) for at_us, actual, forecast, hit in reversed(rows)]


def recent_mode_outcomes(connection: Connection, mode: NetworkMode, count: int) -> list[Outcome]:
    """Return the last outcomes of a mode's v3 models, one step ahead, in the forecasts' order."""
    newest = select(func.max(forecasts.c.id)).scalar_subquery()
    query = select(forecasts, outcomes.c.at_us, outcomes.c.actual_mbps)
    query = query.join(outcomes, (outcomes.c.forecast == forecasts.c.id) & (outcomes.c.steps == 1))
    query = query.where(forecasts.c.id > newest - _SCANNED)
    query = query.where(forecasts.c.mode == mode.value, forecasts.c.version != "")
    query = query.where(forecasts.c.arm == Arm.V3)
    rows = connection.execute(query.order_by(forecasts.c.id.desc()).limit(count)).all()
    return [Outcome(open_forecast(row), 0, row.at_us, row.actual_mbps) for row in reversed(rows)]
