"""Writing forecasts, to be scored when their actuals are known."""

from collections.abc import Sequence
from typing import Any

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.forecast_body import pack_all
from pba.store.executor import Call, SetStatement
from pba.store.statements import to_micros
from pba.store.values import StoredForecast
from pba.types import NetworkMode

__all__ = ["forecast_calls"]

_CREATE_VERSIONS = SetStatement(
    {"name": "text"},
    """
    INSERT INTO versions (name)
    SELECT i.name
      FROM {input}
     WHERE NOT EXISTS (SELECT FROM versions AS v WHERE v.name = i.name)
     ORDER BY i.place
        ON CONFLICT DO NOTHING
    """,
    "INSERT INTO versions (name) VALUES (?1) ON CONFLICT DO NOTHING",
)
_VALUES = {
    "after_us": "int8",
    "arm": "int2",
    "created_us": "int8",
    "mode": "int2",
    "source": "int2",
    "served": "bool",
    "step_s": "float4",
    "took_ms": "float4",
    "body": "bytea",
}
_NAMES = ", ".join(_VALUES)
_INSERT = f"INSERT INTO open_forecasts (link, version, {_NAMES})"
_INSERT_FORECASTS = SetStatement(
    {"link_name": "text", "version_name": "text"} | _VALUES,
    f"""
    {_INSERT}
    SELECT l.id, v.id, {", ".join(f"i.{name}" for name in _VALUES)}
      FROM {{input}}
      JOIN links AS l ON l.link_id = i.link_name
      JOIN versions AS v ON v.name = i.version_name
     ORDER BY i.place
        ON CONFLICT DO NOTHING
    """,
    f"""
    {_INSERT}
    SELECT l.id, v.id, {", ".join(f"?{place}" for place in range(3, 3 + len(_VALUES)))}
      FROM links AS l JOIN versions AS v ON v.name = ?2 WHERE l.link_id = ?1
        ON CONFLICT DO NOTHING
    """,
)


def forecast_calls(forecasts: Sequence[StoredForecast]) -> list[Call]:
    """Return the statements that store forecasts: the first takes locks before those of links.

    Of several with one link, newest sample, arm and version the first is kept. Those of links that
    do not exist (any more) are dropped. No link is locked: a forecast changes none.
    """
    bodies = pack_all([forecast.prediction for forecast in forecasts])
    rows = [_row(forecast, body) for forecast, body in zip(forecasts, bodies, strict=True)]
    rows.sort(key=lambda row: row[:4])  # two writers insert rows of one key in one order
    versions = sorted({forecast.version for forecast in forecasts})
    return [
        (_CREATE_VERSIONS, [(name,) for name in versions]),
        (_INSERT_FORECASTS, rows),
    ]


def _row(forecast: StoredForecast, body: bytes) -> tuple[Any, ...]:
    return (
        forecast.link_id,
        forecast.version,
        to_micros(forecast.after_s),
        ARMS.index(forecast.arm),
        to_micros(forecast.created_s),
        MODES.index(NetworkMode(forecast.mode)),
        SOURCES.index(forecast.source),
        forecast.served,
        forecast.step_s,
        forecast.took_ms,
        body,
    )
