"""Reading links: their state, record and last samples."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, FromClause, Row, Select, and_, bindparam, func, select, true

from pba.forecasting.link_record import LinkRecord
from pba.store.old_tables import old_records
from pba.store.statements import chunks, number_table, to_seconds
from pba.store.tables import links, records, samples
from pba.store.values import LinkContext, LinkState
from pba.telemetry.link_mode import LinkMode
from pba.telemetry.spacing import spacing
from pba.telemetry.windows import CONTEXT
from pba.types import COLUMNS, Floats, History, NetworkMode

__all__ = [
    "any_link",
    "link_contexts",
    "link_mode",
    "link_records",
    "link_state",
    "link_states",
    "recent_sample_keys",
    "recent_telemetry",
]

_DETECTION_SAMPLES = 30  # 10 for the mode; a unit shows in 5 beside those before them
_NAMES = ("link", "at_us", *COLUMNS)

_WITH_RECORDS = select(links, records.c.body, old_records.c.body.label("old_body")).select_from(
    links.outerjoin(records, records.c.link == links.c.id).outerjoin(
        old_records, old_records.c.link == links.c.id
    )
)
_BY_NAME = _WITH_RECORDS.where(links.c.link_id.in_(bindparam("names", expanding=True)))


def link_mode(row: Row[Any]) -> LinkMode:
    """Return the mode in a row of the table `links`."""
    return LinkMode(
        mode=NetworkMode(row.mode) if row.mode else None,
        since_us=row.mode_since_us,
        candidate=NetworkMode(row.candidate) if row.candidate else None,
        checked_us=row.checked_us,
        switches=row.switches,
    )


def link_contexts(
    connection: Connection, link_ids: Sequence[str], count: int
) -> dict[str, LinkContext]:
    """Return mode, record and last ``count`` samples of those of ``link_ids`` that exist.

    Of links whose samples merge (`pba.telemetry.spacing`), four times as many.
    """
    contexts: dict[str, LinkContext] = {}
    for chunk in chunks(link_ids):
        rows = {row.id: row for row in connection.execute(_BY_NAME, {"names": chunk})}
        histories = _last_histories(connection, rows, count)
        merging = [link for link, (times_s, _) in histories.items() if _merge(times_s, count)]
        if merging:
            histories |= _last_histories(connection, merging, CONTEXT * count)
        for link, row in rows.items():
            record = _record(row)
            contexts[row.link_id] = LinkContext(
                row.link_id, NetworkMode(row.mode), History(*histories[link]), record
            )
    return contexts


def _record(row: Row[Any]) -> LinkRecord:
    """Return the record in a row of `_WITH_RECORDS`, or that of the release before."""
    if row.body is None:
        return LinkRecord.from_json(row.old_body)
    return LinkRecord.from_bytes(row.body)


def _merge(times_s: Floats, count: int) -> bool:
    """Return whether ``count`` samples are so close to each other that they merge."""
    return len(times_s) == count and spacing(times_s).merges


def any_link(connection: Connection) -> bool:
    """Return whether there is any link; a query that checks the database responds."""
    return connection.execute(select(links.c.id).limit(1)).scalar() is not None


def link_records(connection: Connection, link_ids: Sequence[str]) -> dict[str, LinkRecord]:
    """Return the records of those of ``link_ids`` that exist."""
    link_records: dict[str, LinkRecord] = {}
    for chunk in chunks(link_ids):
        for row in connection.execute(_BY_NAME, {"names": chunk}):
            link_records[row.link_id] = _record(row)
    return link_records


def link_state(connection: Connection, link_id: str) -> LinkState | None:
    """Return a link's state, None where it does not exist."""
    row = connection.execute(_BY_NAME, {"names": [link_id]}).one_or_none()
    return None if row is None else _state(row)


def link_states(
    connection: Connection, mode: NetworkMode | None, after: str, count: int
) -> list[LinkState]:
    """Return up to ``count`` links whose names follow ``after``, in the order of names."""
    query = _WITH_RECORDS.where(links.c.link_id > after)
    if mode is not None:
        query = query.where(links.c.mode == mode.value)
    rows = connection.execute(query.order_by(links.c.link_id).limit(count))
    return [_state(row) for row in rows]


def _state(row: Row[Any]) -> LinkState:
    record = _record(row)
    return LinkState(row.link_id, link_mode(row), row.newest_us / 1e6, record)


def recent_telemetry(connection: Connection, keys: Sequence[int]) -> dict[int, Floats]:
    """Return the samples that a mode is detected from, ``(sample, 5)``, by the links' keys."""
    telemetry: dict[int, Floats] = {}
    for chunk in chunks(keys):
        histories = _last_histories(connection, chunk, _DETECTION_SAMPLES)
        telemetry |= {link: values for link, (_, values) in histories.items()}
    return telemetry


def recent_sample_keys(
    connection: Connection, keys: Iterable[int], count: int
) -> set[tuple[int, int]]:
    """Return link key and time (microseconds) of each link's last ``count`` samples."""
    sample_keys: set[tuple[int, int]] = set()
    for chunk in chunks(keys):
        query = _last_samples(connection.dialect.name, count, ("link", "at_us"))
        sample_keys |= {(link, at_us) for link, at_us in connection.execute(query, {"keys": chunk})}
    return sample_keys


def _last_histories(
    connection: Connection, keys: Iterable[int], count: int
) -> dict[int, tuple[Floats, Floats]]:
    """Return each link's last ``count`` samples, oldest first: Unix seconds and telemetry."""
    sorted_keys = sorted(keys)
    query = _last_samples(connection.dialect.name, count, _NAMES)
    table = number_table(connection, query, len(_NAMES), {"keys": sorted_keys})
    starts = np.searchsorted(table[:, 0], sorted_keys)
    parts = np.split(table, starts[1:]) if sorted_keys else []
    return {
        link: (to_seconds(part[:, 1]), part[:, 2:])
        for link, part in zip(sorted_keys, parts, strict=True)
    }


@lru_cache  # building the statement takes longer than running it for one link
def _last_samples(dialect: str, count: int, names: Sequence[str]) -> Select[Any]:
    """Return the query of the last ``count`` samples of links ``:keys``, by link and time."""
    inner = samples.alias("own")
    same_link = inner.c.link == links.c.id
    newest_first = inner.c.at_us.desc()
    if dialect == "postgresql":  # it would scan all samples for SQLite's form
        last = select(inner).where(same_link).order_by(newest_first).limit(count).lateral("last")
        source: FromClause = last
        joined = links.join(last, true())
    else:
        oldest = select(inner.c.at_us).where(same_link).order_by(newest_first)
        oldest = oldest.offset(count - 1).limit(1)
        since = func.coalesce(oldest.correlate(links).scalar_subquery(), 0)
        within = and_(samples.c.link == links.c.id, samples.c.at_us >= since)
        source, joined = samples, links.join(samples, within)
    query = select(*(source.c[name] for name in names)).select_from(joined)
    chosen = links.c.id.in_(bindparam("keys", expanding=True))
    return query.where(chosen).order_by(source.c.link, source.c.at_us)
