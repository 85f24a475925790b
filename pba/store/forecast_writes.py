"""Writing forecasts, to be scored when their actuals are known."""

import json
from collections.abc import Sequence
from typing import Any

from pba.store.executor import Call, SetStatement
from pba.store.statements import to_micros
from pba.store.values import StoredForecast

__all__ = ["forecast_calls"]

_NO_VERSIONS = SetStatement({"name": "text"}, "SELECT i.name FROM {input}", "SELECT ?1")
_COLUMNS = {
    "after_us": "int8",
    "made_us": "int8",
    "mode": "text",
    "source": "text",
    "version": "text",
    "arm": "text",
    "served": "bool",
    "step_s": "float8",
    "took_ms": "float8",
    "said": "text",
}
_NAMES = ", ".join(_COLUMNS)
_INSERT_FORECASTS = SetStatement(
    {"name": "text"} | _COLUMNS,
    f"""
    INSERT INTO forecasts (link, {_NAMES})
    SELECT l.id, {", ".join(f"i.{name}" for name in _COLUMNS)}
      FROM {{input}} JOIN links AS l ON l.link_id = i.name
     ORDER BY i.place
        ON CONFLICT DO NOTHING
    """,
    f"""
    INSERT INTO forecasts (link, {_NAMES})
    SELECT l.id, {", ".join(f"?{place}" for place in range(2, 12))}
      FROM links AS l WHERE l.link_id = ?1
        ON CONFLICT DO NOTHING
    """,
)


def forecast_calls(forecasts: Sequence[StoredForecast]) -> list[Call]:
    """Return the statements that store forecasts: the first takes locks before those of links.

    Of several with one link, newest sample, arm and version the first is kept. Those of links that
    do not exist (any more) are dropped.
    """
    rows = sorted((_row(forecast) for forecast in forecasts), key=lambda row: row[:2])
    return [(_NO_VERSIONS, []), (_INSERT_FORECASTS, rows)]


def _row(forecast: StoredForecast) -> tuple[Any, ...]:
    return (
        forecast.link_id,
        to_micros(forecast.after_s),
        to_micros(forecast.created_s),
        forecast.mode,
        forecast.source,
        forecast.version,
        forecast.arm.value,
        forecast.served,
        forecast.step_s,
        forecast.took_ms,
        json.dumps(forecast.prediction),
    )
