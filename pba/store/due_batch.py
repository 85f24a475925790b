"""Reading all that scoring due links needs: a few statements for all of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.scoring.batch import DueBatch, LinkSamples, OpenForecasts
from pba.scoring.forecast_body import unpack_all
from pba.store.driver_rows import columns_of, driver_rows, floats_of, integers_of
from pba.store.due_links import Claim
from pba.store.old_tables import old_records
from pba.types import HORIZONS, Floats

__all__ = ["MAX_FORECASTS", "MAX_SAMPLES", "read_batch"]

MAX_FORECASTS = 500
"""Of one link, in one batch: after the Monitor was away, a link's turn comes several times."""

AROUND = 30
"""Samples that show what an outlier is, see `pba.telemetry.outliers`."""

MAX_SAMPLES = AROUND + MAX_FORECASTS + HORIZONS[-1] + 5
"""Of one link, in one batch."""

_Ints = NDArray[np.int64]
_COLUMNS = (
    "link, after_us, arm, version, created_us, mode, source, served, step_s, took_ms, "
    "actual_1_mbps, actual_5_mbps, actual_15_mbps, body"
)
_COUNT = len(_COLUMNS.split(", "))

# The names `f` and `s` are rows, `own` those that a limit is counted in.
_LINKS_SQLITE = """
    SELECT l.id, l.link_id, r.generation, r.body, r.drift
    FROM json_each(:links) AS k JOIN links AS l ON l.id = k.value
    LEFT JOIN link_records AS r ON r.link = l.id
"""
_FORECASTS_SQLITE = f"""
    SELECT {", ".join(f"f.{name}" for name in _COLUMNS.split(", "))}
    FROM json_each(:links) AS k CROSS JOIN forecast_log AS f
    WHERE f."open" AND f.link = k.value AND f.after_us <= coalesce((
        SELECT own.after_us FROM forecast_log AS own WHERE own."open" AND own.link = k.value
        ORDER BY own.after_us LIMIT 1 OFFSET {MAX_FORECASTS - 1}), {2**62})
"""
_SAMPLES_SQLITE = f"""
    WITH k AS (
        SELECT json_extract(value, '$[0]') AS link, json_extract(value, '$[1]') AS after_us
        FROM json_each(:oldest)
    )
    SELECT s.link, s.at_us, s.bandwidth_mbps FROM k CROSS JOIN samples AS s
    WHERE s.link = k.link AND s.at_us >= coalesce((
        SELECT own.at_us FROM samples AS own
        WHERE own.link = k.link AND own.at_us < k.after_us
        ORDER BY own.at_us DESC LIMIT 1 OFFSET {AROUND - 1}), 0)
    AND s.at_us <= coalesce((
        SELECT own.at_us FROM samples AS own
        WHERE own.link = k.link AND own.at_us >= k.after_us
        ORDER BY own.at_us LIMIT 1 OFFSET {MAX_SAMPLES - AROUND - 1}), {2**62})
"""
_LINKS_POSTGRESQL = """
    SELECT l.id, l.link_id, r.generation, r.body, r.drift
    FROM links AS l LEFT JOIN link_records AS r ON r.link = l.id
    WHERE l.id = ANY(%(links)s)
"""
_FORECASTS_POSTGRESQL = f"""
    SELECT f.* FROM unnest(%(links)s::bigint[]) AS k (link) CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM forecast_log AS own WHERE own.open AND own.link = k.link
        ORDER BY own.after_us, own.arm, own.version LIMIT {MAX_FORECASTS}) AS f
"""
# Times and rates of a link in one value: unpacking it is a hundred times faster than rows are.
_SAMPLES_POSTGRESQL = f"""
    SELECT k.link, string_agg(int8send(s.at_us) || float8send(s.bandwidth_mbps), ''::bytea
                              ORDER BY s.at_us)
    FROM unnest(%(links)s::bigint[], %(after)s::bigint[]) AS k (link, after_us)
    CROSS JOIN LATERAL (
        (SELECT own.at_us, own.bandwidth_mbps FROM samples AS own
         WHERE own.link = k.link AND own.at_us < k.after_us
         ORDER BY own.at_us DESC LIMIT {AROUND})
        UNION ALL
        (SELECT own.at_us, own.bandwidth_mbps FROM samples AS own
         WHERE own.link = k.link AND own.at_us >= k.after_us
         ORDER BY own.at_us LIMIT {MAX_SAMPLES - AROUND})) AS s
    GROUP BY k.link
"""


def read_batch(connection: Connection, claim: Claim) -> DueBatch:
    """Return what scoring the links of a claim needs, for those of them that still exist."""
    links = claim.links.tolist()
    keys, names, generation, bodies, drift = _links(connection, links)
    own = claim.only(keys)
    bodies = _with_old_records(connection, keys, bodies)
    forecasts = _forecasts(connection, links)
    return DueBatch(
        links=own.links,
        names=tuple(names),
        reports=own.reports,
        generation=generation,
        records=RecordTable.from_bytes(bodies),
        drift=tuple(drift),
        forecasts=forecasts,
        samples=_samples(connection, forecasts),
    )


def _links(connection: Connection, links: list[int]) -> tuple[_Ints, list[str], _Ints, Any, Any]:
    """Return keys, names, and generation, body and drift state of the links' records."""
    rows = sorted(_select(connection, _LINKS_SQLITE, _LINKS_POSTGRESQL, links), key=lambda r: r[0])
    keys, names, generations, bodies, drift = columns_of(rows, 5)
    generation = integers_of([-1 if number is None else number for number in generations])
    return integers_of(keys), list(names), generation, list(bodies), list(drift)


def _with_old_records(
    connection: Connection, keys: _Ints, bodies: list[bytes | None]
) -> list[bytes | None]:
    """Return ``bodies`` with the records of the release before for links that have no other."""
    lacking = [link for link, body in zip(keys.tolist(), bodies, strict=True) if body is None]
    if not lacking:
        return bodies
    query = select(old_records.c.link, old_records.c.body).where(old_records.c.link.in_(lacking))
    old = {link: LinkRecord.from_json(body).to_bytes() for link, body in connection.execute(query)}
    return [
        old.get(link) if body is None else body
        for link, body in zip(keys.tolist(), bodies, strict=True)
    ]


def _forecasts(connection: Connection, links: list[int]) -> OpenForecasts:
    rows = _select(connection, _FORECASTS_SQLITE, _FORECASTS_POSTGRESQL, links)
    columns = columns_of(rows, _COUNT)
    link, after_us, arm, version, created_us, mode, source, served = map(integers_of, columns[:8])
    step_s, took_ms, *actuals = map(floats_of, columns[8:13])
    arrays: dict[str, Any] = {
        "link": link,
        "after_us": after_us,
        "arm": arm,
        "version": version,
        "created_us": created_us,
        "mode": mode,
        "source": source,
        "served": served.astype(bool),
        "step_s": step_s,
        "took_ms": took_ms,
        "actual_mbps": np.stack(actuals, axis=1),
        **unpack_all(columns[13]),
    }
    order = np.lexsort((version, arm, after_us, link))
    return OpenForecasts(**{name: values[order] for name, values in arrays.items()})


def _samples(connection: Connection, forecasts: OpenForecasts) -> LinkSamples:
    """Return the samples around and after each link's oldest open forecast."""
    links, first = np.unique(forecasts.link, return_index=True)
    after_us = forecasts.after_us[first]
    if connection.dialect.name == "postgresql":
        parameters = {"links": links.tolist(), "after": after_us.tolist()}
        return _unpacked(driver_rows(connection, _SAMPLES_POSTGRESQL, parameters))
    oldest = json.dumps(np.stack((links, after_us), axis=1).tolist())
    rows = driver_rows(connection, _SAMPLES_SQLITE, {"oldest": oldest})
    link, at_us, bandwidth_mbps = columns_of(rows, 3)
    return _ordered(integers_of(link), integers_of(at_us), floats_of(bandwidth_mbps))


def _unpacked(rows: Sequence[tuple[int, bytes]]) -> LinkSamples:
    """Return the samples of links from their packed form, big-endian."""
    keys, packed = columns_of(rows, 2)
    pairs = np.frombuffer(b"".join(packed), dtype=[("at_us", ">i8"), ("bandwidth_mbps", ">f8")])
    links = np.repeat(integers_of(keys), [len(part) // 16 for part in packed])
    return _ordered(links, pairs["at_us"].astype(np.int64), pairs["bandwidth_mbps"].astype(float))


def _ordered(link: _Ints, at_us: _Ints, bandwidth_mbps: Floats) -> LinkSamples:
    order = np.lexsort((at_us, link))
    return LinkSamples(link[order], at_us[order], bandwidth_mbps[order])


def _select(
    connection: Connection, sqlite: str, postgresql: str, links: list[int]
) -> list[tuple[Any, ...]]:
    if connection.dialect.name == "postgresql":
        return driver_rows(connection, postgresql, {"links": links})
    parameters: Mapping[str, Any] = {"links": json.dumps(links)}
    return driver_rows(connection, sqlite, parameters)
