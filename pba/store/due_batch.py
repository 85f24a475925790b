"""Reading all that scoring due links needs: a few statements for all of them."""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.scoring.batch import DueBatch, LinkSamples, OpenForecasts
from pba.scoring.forecast_body import unpack_all
from pba.store.driver_rows import driver_rows, driver_table
from pba.store.due_links import Claim
from pba.store.old_tables import old_records
from pba.store.tables import ACTUALS
from pba.types import INTERVALS

__all__ = ["MAX_FORECASTS", "MAX_SAMPLES", "read_batch"]

MAX_FORECASTS = 500
"""Of one link, in one batch: after the Monitor was away, a link's turn comes several times."""

AROUND = 30
"""Samples that show what an outlier is, see `pba.telemetry.outliers`."""

MAX_SAMPLES = AROUND + MAX_FORECASTS + INTERVALS[-1] + 5
"""Of one link, in one batch."""

_Ints = NDArray[np.int64]
_INTEGERS = ("link", "after_us", "arm", "version", "created_us", "mode", "source", "served")
_FLOATS = ("step_s", "took_ms")
_FORECAST = np.dtype(
    [
        *((name, "i8") for name in _INTEGERS),
        *((name, "f8") for name in (*_FLOATS, *ACTUALS)),
        ("body", "O"),
    ]
)
_SAMPLE = np.dtype([("link", "i8"), ("at_us", "i8"), ("bandwidth_mbps", "f8")])
_PACKED_SAMPLE = np.dtype([("at_us", ">i8"), ("bandwidth_mbps", ">f8")])


def _columns(infinity: str) -> str:
    """Return the columns of an open forecast; an actual that is not known is infinite.

    One that was recorded again after it was closed has the actuals of the first: none counts twice.
    """
    actuals = (f"coalesce(f.{name}, done.{name}, {infinity})" for name in ACTUALS)
    return ", ".join((*(f"f.{name}" for name in (*_INTEGERS, *_FLOATS)), *actuals, "f.body"))


# From its last horizon until the end of its last interval nothing of a forecast can be scored.
_ALMOST_US = round((INTERVALS[-1] - 0.01) * 1e6)
_MAY_CHANGE = f"""
    (f.actual_15_mbps IS NULL OR f.mean_15_mbps IS NULL OR f.mean_60_mbps IS NOT NULL
     OR f.after_us + {_ALMOST_US} * f.step_s <= l.newest_us)
"""
_IS_CLOSED = "done.after_us = f.after_us AND done.arm = f.arm AND done.version = f.version"

# The names `f` and `s` are rows, `own` those that a limit is counted in.
_LINKS_SQLITE = """
    SELECT l.id, l.link_id, coalesce(r.generation, -1), r.body, r.drift
    FROM json_each(:links) AS k JOIN links AS l ON l.id = k.value
    LEFT JOIN link_records AS r ON r.link = l.id
"""
_FORECASTS_SQLITE = f"""
    SELECT {_columns("9e999")}
    FROM json_each(:links) AS k CROSS JOIN links AS l CROSS JOIN open_forecasts AS f
    LEFT JOIN forecast_log AS done
    ON done.link = CASE WHEN f.actual_1_mbps IS NULL THEN f.link END AND {_IS_CLOSED}
    WHERE l.id = k.value AND f.link = k.value AND {_MAY_CHANGE} AND f.after_us <= coalesce((
        SELECT own.after_us FROM open_forecasts AS own WHERE own.link = k.value
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
    SELECT l.id, l.link_id, coalesce(r.generation, -1), r.body, r.drift
    FROM links AS l LEFT JOIN link_records AS r ON r.link = l.id
    WHERE l.id = ANY(%(links)b::bigint[])
"""
_FORECASTS_POSTGRESQL = f"""
    SELECT {_columns("'infinity'::real")}
    FROM unnest(%(links)b::bigint[]) AS k (link) JOIN links AS l ON l.id = k.link
    CROSS JOIN LATERAL (
        SELECT * FROM open_forecasts AS own WHERE own.link = k.link
        ORDER BY own.after_us, own.arm, own.version LIMIT {MAX_FORECASTS}) AS f
    LEFT JOIN LATERAL (
        SELECT {", ".join(ACTUALS)} FROM forecast_log AS done
        WHERE f.actual_1_mbps IS NULL AND done.link = f.link AND {_IS_CLOSED}
        LIMIT 1) AS done ON true
    WHERE {_MAY_CHANGE}
"""
# Times and rates of a link in one value: unpacking it is a hundred times faster than rows are.
_SAMPLES_POSTGRESQL = f"""
    SELECT k.link, string_agg(int8send(s.at_us) || float8send(s.bandwidth_mbps), ''::bytea
                              ORDER BY s.at_us)
    FROM unnest(%(links)b::bigint[], %(after)b::bigint[]) AS k (link, after_us)
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
    postgresql, parameters = _links_of(connection, links)
    statement = _LINKS_POSTGRESQL if postgresql else _LINKS_SQLITE
    rows = sorted(driver_rows(connection, statement, parameters), key=itemgetter(0))
    keys, names, generation, bodies, drift = zip(*rows, strict=True) if rows else [()] * 5
    return (
        np.array(keys, dtype=np.int64),
        list(names),
        np.array(generation, dtype=np.int64),
        list(bodies),
        list(drift),
    )


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
    postgresql, parameters = _links_of(connection, links)
    statement = _FORECASTS_POSTGRESQL if postgresql else _FORECASTS_SQLITE
    rows = driver_table(connection, statement, parameters, _FORECAST)
    rows = _ordered(rows, "link", "after_us", "arm", "version")
    actual_mbps = np.stack([rows[name] for name in ACTUALS], axis=1)
    actual_mbps[np.isinf(actual_mbps)] = np.nan
    integers = {name: rows[name].copy() for name in _INTEGERS}
    return OpenForecasts(
        **(integers | {"served": integers["served"].astype(bool)}),
        **{name: rows[name].copy() for name in _FLOATS},
        actual_mbps=actual_mbps,
        **unpack_all(rows["body"].tolist()),
    )


def _samples(connection: Connection, forecasts: OpenForecasts) -> LinkSamples:
    """Return the samples around and after each link's oldest open forecast."""
    links, first = np.unique(forecasts.link, return_index=True)
    after_us = forecasts.after_us[first]
    if connection.dialect.name == "postgresql":
        parameters = {"links": links.tolist(), "after": after_us.tolist()}
        return _link_samples(_unpacked(driver_rows(connection, _SAMPLES_POSTGRESQL, parameters)))
    oldest = json.dumps(np.stack((links, after_us), axis=1).tolist())
    return _link_samples(driver_table(connection, _SAMPLES_SQLITE, {"oldest": oldest}, _SAMPLE))


def _unpacked(rows: Sequence[tuple[int, bytes]]) -> NDArray[np.void]:
    """Return the samples of links from their packed form."""
    pairs = np.frombuffer(b"".join(packed for _, packed in rows), dtype=_PACKED_SAMPLE)
    samples = np.empty(len(pairs), dtype=_SAMPLE)
    counts = [len(packed) // _PACKED_SAMPLE.itemsize for _, packed in rows]
    samples["link"] = np.repeat(np.array([link for link, _ in rows], dtype=np.int64), counts)
    for name in ("at_us", "bandwidth_mbps"):
        samples[name] = pairs[name]
    return samples


def _link_samples(rows: NDArray[np.void]) -> LinkSamples:
    rows = _ordered(rows, "link", "at_us")
    return LinkSamples(*(rows[name].copy() for name in ("link", "at_us", "bandwidth_mbps")))


def _ordered(rows: NDArray[np.void], *key: str) -> NDArray[np.void]:
    """Return ``rows`` in the order of ``key``, in which most databases return them anyway."""
    later = np.zeros(max(0, len(rows) - 1), dtype=bool)
    for name in reversed(key):
        steps = np.diff(rows[name])
        later = (steps > 0) | ((steps == 0) & later)
    return rows if later.all() else rows[np.lexsort([rows[name] for name in reversed(key)])]


def _links_of(connection: Connection, links: list[int]) -> tuple[bool, Mapping[str, Any]]:
    """Return whether the database is PostgreSQL, and the parameter with the keys of links."""
    postgresql = connection.dialect.name == "postgresql"
    return postgresql, {"links": links if postgresql else json.dumps(links)}
