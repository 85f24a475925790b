"""Reading what is known of links, and what happened to them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, FromClause, Row, Select, and_, bindparam, func, select, true

from pba.forecasting.link_record import LinkRecord
from pba.store.rows import LinkContext, LinkState, seconds
from pba.store.tables import events, forecasts, links, outcomes, records, samples
from pba.telemetry.link_mode import LinkMode
from pba.types import COLUMNS, Event, Floats, History, NetworkMode

__all__ = [
    "chunks",
    "find_events",
    "known",
    "learnt",
    "link_mode",
    "recent",
    "state",
    "states",
    "stretch",
    "stored",
]

_CHUNK = 500
_DETECTED_ON = 10
_NAMES = ("link", "at_us", *COLUMNS)
_VALUES = [samples.c[name] for name in COLUMNS]


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield ``values`` in parts that one statement can name."""
    held = list(values)
    for start in range(0, len(held), _CHUNK):
        yield held[start : start + _CHUNK]


def link_mode(row: Row[Any]) -> LinkMode:
    """Return the mode that a row of `links` holds."""
    return LinkMode(
        mode=NetworkMode(row.mode) if row.mode else None,
        since_us=row.mode_since_us,
        candidate=NetworkMode(row.candidate) if row.candidate else None,
        checked_us=row.checked_us,
        switches=row.switches,
    )


def known(connection: Connection, link_ids: Sequence[str], count: int) -> dict[str, LinkContext]:
    """Return what is known of those of ``link_ids`` that exist, with their last samples."""
    found: dict[str, LinkContext] = {}
    for chunk in chunks(link_ids):
        rows = {row.id: row for row in connection.execute(_NAMED, {"names": chunk})}
        telemetry = _last(connection, rows, count)
        found |= {row.link_id: _known(row, *telemetry[link]) for link, row in rows.items()}
    return found


def learnt(connection: Connection, link_ids: Sequence[str]) -> dict[str, LinkRecord]:
    """Return the records of those of ``link_ids`` that exist."""
    found: dict[str, LinkRecord] = {}
    for chunk in chunks(link_ids):
        for row in connection.execute(_NAMED, {"names": chunk}):
            found[row.link_id] = LinkRecord.from_json(row.body)
    return found


def recent(connection: Connection, keys: Sequence[int]) -> dict[int, Floats]:
    """Return the telemetry that a mode is detected on, ``(sample, 5)``, by the links' keys."""
    found: dict[int, Floats] = {}
    for chunk in chunks(keys):
        found |= {link: row[1] for link, row in _last(connection, chunk, _DETECTED_ON).items()}
    return found


def stored(connection: Connection, keys: Iterable[int], count: int) -> set[tuple[int, int]]:
    """Return the key of the link and the time of each of the links' last ``count`` samples."""
    found: set[tuple[int, int]] = set()
    for chunk in chunks(keys):
        query = _last_samples(connection.dialect.name, count, ("link", "at_us"))
        found |= {(link, at_us) for link, at_us in connection.execute(query, {"keys": chunk})}
    return found


def _last(
    connection: Connection, keys: Iterable[int], count: int
) -> dict[int, tuple[Floats, Floats]]:
    """Return the times and telemetry of each link's last ``count`` samples, oldest first."""
    wanted = sorted(keys)
    query = _last_samples(connection.dialect.name, count, _NAMES)
    table = _table(connection, query, len(_NAMES), {"keys": wanted})
    starts = np.searchsorted(table[:, 0], wanted)
    parts = np.split(table, starts[1:]) if wanted else []
    return {
        link: (seconds(part[:, 1]), part[:, 2:]) for link, part in zip(wanted, parts, strict=True)
    }


def _table(
    connection: Connection, query: Select[Any], columns: int, given: Mapping[str, Any] = {}
) -> Floats:
    """Return numbers, NaN for null, shape ``(row, column)``."""
    rows = map(tuple, connection.execute(query, given))  # numpy takes a second for 60 000 others
    return np.array(list(rows), dtype=float).reshape(-1, columns)


@lru_cache  # putting it together takes longer than one link's answer
def _last_samples(dialect: str, count: int, names: Sequence[str]) -> Select[Any]:
    """Return the query of the last ``count`` samples of links ``:keys``, by link and time."""
    own = samples.alias("own")
    ours = own.c.link == links.c.id
    newest_first = own.c.at_us.desc()
    if dialect == "postgresql":  # which walks through all samples for the other one
        last = select(own).where(ours).order_by(newest_first).limit(count).lateral("last")
        found: FromClause = last
        joined = links.join(last, true())
    else:
        oldest = select(own.c.at_us).where(ours).order_by(newest_first).offset(count - 1).limit(1)
        since = func.coalesce(oldest.correlate(links).scalar_subquery(), 0)
        reached = and_(samples.c.link == links.c.id, samples.c.at_us >= since)
        found, joined = samples, links.join(samples, reached)
    query = select(*(found.c[name] for name in names)).select_from(joined)
    wanted = links.c.id.in_(bindparam("keys", expanding=True))
    return query.where(wanted).order_by(found.c.link, found.c.at_us)


_WITH_RECORDS = select(links, records.c.body).select_from(
    links.outerjoin(records, records.c.link == links.c.id)
)
_NAMED = _WITH_RECORDS.where(links.c.link_id.in_(bindparam("names", expanding=True)))


def _known(row: Row[Any], timestamps_s: Floats, telemetry: Floats) -> LinkContext:
    history = History(timestamps_s, telemetry)
    mode = NetworkMode(row.mode)
    return LinkContext(row.link_id, mode, history, LinkRecord.from_json(row.body))


def state(connection: Connection, link_id: str) -> LinkState | None:
    """Return what is known of a link, None where there is none of that name."""
    row = connection.execute(_NAMED, {"names": [link_id]}).one_or_none()
    return None if row is None else _state(row)


def states(
    connection: Connection, mode: NetworkMode | None, after: str, count: int
) -> list[LinkState]:
    """Return links in the order of their names, from the first after ``after`` on."""
    query = _WITH_RECORDS.where(links.c.link_id > after)
    if mode is not None:
        query = query.where(links.c.mode == mode.value)
    rows = connection.execute(query.order_by(links.c.link_id).limit(count))
    return [_state(row) for row in rows]


def _state(row: Row[Any]) -> LinkState:
    record = LinkRecord.from_json(row.body)
    return LinkState(row.link_id, link_mode(row), row.newest_us / 1e6, record)


def stretch(
    connection: Connection, link_id: str, from_us: int, to_us: int, count: int
) -> tuple[History, list[dict[str, Any]]]:
    """Return a link's samples, and the forecasts made beside them, of a stretch of time.

    The newest ``count`` of each where there are more.
    """
    link = select(links.c.id).where(links.c.link_id == link_id).scalar_subquery()
    measured = select(samples.c.at_us, *_VALUES).where(
        samples.c.link == link, samples.c.at_us.between(from_us, to_us)
    )
    measured = measured.order_by(samples.c.at_us.desc()).limit(count)
    table = _table(connection, measured, 1 + len(COLUMNS))[::-1]
    return History(seconds(table[:, 0]), table[:, 1:]), _made(
        connection, link, from_us, to_us, count
    )


def _made(
    connection: Connection, link: Any, from_us: int, to_us: int, count: int
) -> list[dict[str, Any]]:
    within = forecasts.c.link == link, forecasts.c.after_us.between(from_us, to_us)
    query = select(forecasts).where(*within).order_by(forecasts.c.after_us.desc()).limit(count)
    rows = connection.execute(query).all()[::-1]
    actual = _actual(connection, [row.id for row in rows])
    return [_forecast(row, actual.get(row.id, {})) for row in rows]


def _actual(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    for chunk in chunks(numbers):
        query = select(outcomes).where(outcomes.c.forecast.in_(chunk))
        for row in connection.execute(query):
            found.setdefault(row.forecast, {})[row.steps] = row.actual_mbps
    return found


def _forecast(row: Row[Any], actual: Mapping[int, float]) -> dict[str, Any]:
    said = json.loads(row.said)
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
        "said": said,
        "actual_mbps": actual,
    }


def find_events(
    connection: Connection, kind: str | None, link_id: str | None, before: int | None, count: int
) -> list[Event]:
    """Return events, the newest first, from the first before number ``before`` on."""
    query = select(events).order_by(events.c.id.desc()).limit(count)
    wanted = ((events.c.kind, kind), (events.c.link_id, link_id))
    for column, value in wanted:
        query = query if value is None else query.where(column == value)
    query = query if before is None else query.where(events.c.id < before)
    return [_event(row) for row in connection.execute(query)]


def newest_events(connection: Connection, kind: str) -> list[Event]:
    """Return the newest event of ``kind`` of each link, in the order of their names."""
    newest = select(func.max(events.c.id)).where(events.c.kind == kind).group_by(events.c.link_id)
    query = select(events).where(events.c.id.in_(newest)).order_by(events.c.link_id)
    return [_event(row) for row in connection.execute(query)]


def _event(row: Row[Any]) -> Event:
    return Event(row.kind, row.at_us / 1e6, row.link_id, json.loads(row.body), row.id)
