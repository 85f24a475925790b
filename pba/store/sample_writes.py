"""Writing samples and forecasts: many callers' in one transaction."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pba.store import queries
from pba.store.rows import Receipt, SampleReport, StoredForecast, micros, sample_row
from pba.store.tables import events, forecasts, links, samples
from pba.telemetry.link_mode import LinkMode
from pba.types import Event, NetworkMode

__all__ = ["add_events", "add_reports", "add_said", "try_room"]

_ROOM = 16_384  # bytes, some pages
_REPEATED = 60  # the longest window of a model: what callers send again, one sample on


def add_reports(
    connection: Connection,
    reports: Sequence[SampleReport],
    heard_us: int,
    retention_us: int,
    detect: bool = True,
) -> list[Receipt]:
    """Store the samples of ``reports``; return a receipt for each, in order.

    A link is locked from here to the end of the transaction, so that of two who write to it at
    once the second sees what the first has done. Without ``detect`` links stay in their mode, and
    new ones are in internet mode.
    """
    known = _lock(connection, {report.link_id for report in reports}, heard_us, create=True)
    given = [_given(known[report.link_id].id, report) for report in reports]
    ends = {row.id: row.newest_us for row in known.values()}
    for link, at_us in (key for part in given for key in part):
        ends[link] = max(ends[link], at_us)
    kept = [
        {key: values for key, values in part.items() if key[1] >= ends[key[0]] - retention_us}
        for part in given
    ]
    new = _add_samples(connection, kept, {row.id: row.newest_us for row in known.values()})
    modes = _refresh(connection, known.values(), ends, heard_us, detect)
    return [
        _receipt(report, known[report.link_id], modes, part, mine)
        for report, part, mine in zip(reports, kept, new, strict=True)
    ]


_Rows = dict[tuple[int, int], list[float]]


def _given(link: int, report: SampleReport) -> _Rows:
    """Return the samples by link and time; of two at one time the first counts."""
    times, values = report.timestamps_s[::-1].tolist(), report.telemetry[::-1].tolist()
    return {(link, micros(at)): row for at, row in zip(times, values, strict=True)}


def _receipt(
    report: SampleReport, link: Any, modes: dict[int, NetworkMode], kept: _Rows, new: set[Any]
) -> Receipt:
    late = sum(at_us < link.newest_us for _, at_us in new)
    times = {micros(at) for at in report.timestamps_s.tolist()}
    expired = len(times) - len(kept)
    duplicates = len(report.timestamps_s) - len(new) - expired
    return Receipt(len(new), duplicates, late, expired, modes[link.id])


def _lock(
    connection: Connection, link_ids: Iterable[str], heard_us: int, create: bool = False
) -> dict[str, Any]:
    """Return the rows of the links, locked in one order, so that nobody waits in a circle."""
    wanted = sorted(set(link_ids))
    found: dict[str, Any] = {}
    for chunk in queries.chunks(wanted):
        if create:
            new = [{"link_id": name, "newest_us": -1, "heard_us": heard_us} for name in chunk]
            connection.execute(_insert(connection, links).on_conflict_do_nothing(), new)
        rows = select(links).where(links.c.link_id.in_(chunk)).order_by(links.c.link_id)
        found |= {row.link_id: row for row in connection.execute(rows.with_for_update())}
    return found


def _add_samples(
    connection: Connection, parts: Sequence[_Rows], newest_us: dict[int, int]
) -> list[set[tuple[int, int]]]:
    """Insert what is not there yet; return the keys that each part has brought."""
    first: _Rows = {}
    for part in reversed(parts):
        first |= part
    # A given history repeats what the last one brought: to look that up costs less than to insert.
    repeated = {link for link, at_us in first if at_us <= newest_us[link]}
    there = queries.stored(connection, repeated, _REPEATED)
    rows = [sample_row(*key, first[key]) for key in sorted(first.keys() - there)]
    if not rows:
        return [set() for _ in parts]
    insert = _insert(connection, samples).on_conflict_do_nothing()
    insert = insert.returning(samples.c.link, samples.c.at_us)
    left = {(link, at_us) for link, at_us in connection.execute(insert, rows)}
    brought = []
    for part in parts:
        brought.append(left & part.keys())
        left -= brought[-1]
    return brought


def _refresh(
    connection: Connection,
    known: Iterable[Any],
    ends: dict[int, int],
    heard_us: int,
    detect: bool,
) -> dict[int, NetworkMode]:
    """Bring the links' newest sample and mode up to date; return the modes."""
    rows = list(known)
    states = {row.id: queries.link_mode(row) for row in rows}
    names = {row.id: row.link_id for row in rows}
    due = [link for link, state in states.items() if detect and state.due(ends[link])]
    recent = queries.recent(connection, due)
    switches = []
    for link in due:
        before, states[link] = states[link], states[link].after(recent[link], ends[link])
        if before.mode is not None and before.mode is not states[link].mode:
            switches.append(_switch(names[link], ends[link], before, states[link]))
    for link, state in states.items():
        if state.mode is None:
            states[link] = replace(state, mode=NetworkMode.INTERNET, since_us=ends[link])
    _update(connection, states, ends, heard_us)
    add_events(connection, switches)
    return {link: state.mode or NetworkMode.INTERNET for link, state in states.items()}


def _update(
    connection: Connection, states: dict[int, LinkMode], ends: dict[int, int], heard_us: int
) -> None:
    columns = ("mode", "mode_since_us", "candidate", "checked_us", "switches", "newest_us")
    change = update(links).where(links.c.id == bindparam("key"))
    change = change.values({name: bindparam(f"new_{name}") for name in (*columns, "heard_us")})
    rows = [
        {
            "key": link,
            "new_mode": state.mode,
            "new_mode_since_us": state.since_us,
            "new_candidate": state.candidate,
            "new_checked_us": state.checked_us,
            "new_switches": state.switches,
            "new_newest_us": ends[link],
            "new_heard_us": heard_us,
        }
        for link, state in states.items()
    ]
    connection.execute(change, rows)


def _switch(link_id: str, at_us: int, before: LinkMode, after: LinkMode) -> Event:
    modes = {"before": before.mode, "after": after.mode}
    return Event("mode_switch", at_us / 1e6, link_id, modes)


def add_said(connection: Connection, said: Sequence[StoredForecast]) -> None:
    """Keep forecasts until they can be scored; of a moment, an arm and a version one is kept.

    A forecast for a link that is gone by now is dropped.
    """
    known = _lock(connection, {one.link_id for one in said}, 0)
    rows = [_said_row(known[one.link_id].id, one) for one in said if one.link_id in known]
    if rows:
        connection.execute(_insert(connection, forecasts).on_conflict_do_nothing(), rows)


def _said_row(link: int, one: StoredForecast) -> dict[str, Any]:
    return {
        "link": link,
        "after_us": micros(one.after_s),
        "made_us": micros(one.made_s),
        "mode": one.mode,
        "source": one.source,
        "version": one.version,
        "arm": one.arm,
        "served": one.served,
        "step_s": one.step_s,
        "took_ms": one.took_ms,
        "said": json.dumps(one.said),
    }


def add_events(connection: Connection, happened: Sequence[Event]) -> None:
    """Add to the log of events."""
    rows = [
        {"at_us": micros(e.at_s), "kind": e.kind, "link_id": e.link_id, "body": e.text}
        for e in happened
    ]
    if rows:
        connection.execute(events.insert(), rows)


def try_room(connection: Connection, now_us: int) -> None:
    """Write more than the pages in use may have room for, and take it back."""
    row = {"at_us": now_us, "kind": "room", "body": "x" * _ROOM}
    connection.execute(events.insert(), row)
    connection.execute(delete(events).where(events.c.kind == "room"))


def _insert(connection: Connection, table: Any) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
