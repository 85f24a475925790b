"""Writing a batch: samples, the new modes of their links, and forecasts, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update

from pba.rollout import Flags
from pba.store.clock_repair import move_samples_ahead
from pba.store.due_links import mark_due
from pba.store.event_log import add_events
from pba.store.flag_table import flag_state
from pba.store.forecast_writes import add_forecasts
from pba.store.link_queries import link_mode, link_records, recent_sample_keys, recent_telemetry
from pba.store.statements import insert_into, lock_links, to_micros
from pba.store.tables import links, samples
from pba.store.values import Receipt, SampleReport, WriteBatch
from pba.telemetry.clocks import zone_suspected
from pba.telemetry.link_mode import LinkMode
from pba.telemetry.suspect_units import unit_suspected
from pba.types import COLUMNS, Event, NetworkMode

__all__ = ["write_batch"]

_REPEATED = 60  # the longest window of a model: callers send it again, one sample later

_SEVERAL, _FAST_MBPS = 5, 1000.0

_Key = tuple[int, int]  # the link's key and the sample's microseconds
_Rows = dict[_Key, list[float]]


def write_batch(
    connection: Connection, batch: WriteBatch, now_us: int, retention_us: int, default: Flags
) -> list[Receipt]:
    """Write all of a batch; return a receipt for each report, in order.

    The links are locked from here to the end of the transaction, so concurrent writers to one link
    run one after the other.

    Parameters
    ----------
    now_us
        The time of the write.
    retention_us
        Samples older than a link's newest one by more than this are not stored.
    default
        The flags until they are changed for the first time.
    """
    receipts: list[Receipt] = []
    if batch.reports and batch.forecasts:  # together, so that all writers have one order
        link_ids = {report.link_id for report in batch.reports}
        lock_links(connection, link_ids | {forecast.link_id for forecast in batch.forecasts})
    if batch.reports:  # forecasts alone need no flags
        detect = flag_state(connection, default).flags.enable_mode_detection
        receipts = _add_reports(connection, batch.reports, now_us, retention_us, detect)
    if batch.with_records:
        records = link_records(connection, [report.link_id for report in batch.reports])
        pairs = zip(batch.reports, receipts, strict=True)
        receipts = [replace(receipt, record=records[report.link_id]) for report, receipt in pairs]
    if batch.forecasts:
        add_forecasts(connection, batch.forecasts, now_us)
    return receipts


def _add_reports(
    connection: Connection,
    reports: Sequence[SampleReport],
    received_us: int,
    retention_us: int,
    detect: bool,
) -> list[Receipt]:
    """Store the samples of ``reports``; return a receipt for each, in order.

    If modes are not detected, links keep their mode and new ones are ``internet``.
    """
    link_ids = [report.link_id for report in reports]
    rows = lock_links(connection, link_ids, received_us)
    reported = [_samples(rows[report.link_id].id, report) for report in reports]
    latest = _latest(reported)
    newest_us = {row.id: row.newest_us for row in rows.values()}
    newest_us |= move_samples_ahead(connection, [*rows.values()], latest, received_us)
    ends = {link: max(at_us, latest.get(link, 0)) for link, at_us in newest_us.items()}
    kept = [
        {key: values for key, values in part.items() if key[1] >= ends[key[0]] - retention_us}
        for part in reported
    ]
    new = _insert_samples(connection, kept, newest_us)
    mark_due(connection, [link for keys in new for link, _ in keys], received_us)
    surprising = {
        rows[report.link_id].id for report in reports if _surprises(rows[report.link_id], report)
    }
    modes, suspects = _update_links(
        connection, rows.values(), ends, received_us, detect, surprising
    )
    parts = zip(reports, kept, new, strict=True)
    receipts = []
    for report, part, keys in parts:
        link = rows[report.link_id].id
        reasons = _suspicions(report, part, link in suspects, received_us)
        receipts.append(_receipt(report, newest_us[link], modes[link], part, keys, reasons))
    return receipts


def _surprises(link: Row[Any], report: SampleReport) -> bool:
    """Return whether all of several rates of an internet link are as high as a data centre's."""
    rates_mbps = report.telemetry[:, 0]
    internet = link.mode == NetworkMode.INTERNET.value
    return internet and len(rates_mbps) >= _SEVERAL and bool(rates_mbps.min() >= _FAST_MBPS)


def _latest(reported: Sequence[_Rows]) -> dict[int, int]:
    """Return the time of the newest reported sample of each link's key."""
    latest: dict[int, int] = {}
    for link, at_us in (key for part in reported for key in part):
        latest[link] = max(at_us, latest.get(link, 0))
    return latest


def _suspicions(
    report: SampleReport, kept: _Rows, suspect: bool, received_us: int
) -> tuple[str, ...]:
    """Return what may be wrong with a report, ``suspect`` if its link's rates are."""
    newest_us = max((at_us for _, at_us in kept), default=received_us)
    reasons = {
        "unit_suspected": suspect or unit_suspected(report.telemetry[:, 0]),
        "zone_suspected": zone_suspected(newest_us, received_us),
    }
    return tuple(name for name, holds in reasons.items() if holds)


def _samples(link: int, report: SampleReport) -> _Rows:
    """Return the samples by link and time; of several with one timestamp the first counts."""
    times, values = report.timestamps_s[::-1].tolist(), report.telemetry[::-1].tolist()
    return {(link, to_micros(time_s)): row for time_s, row in zip(times, values, strict=True)}


def _receipt(
    report: SampleReport,
    newest_us: int,
    mode: NetworkMode,
    kept: _Rows,
    new: set[_Key],
    reasons: tuple[str, ...],
) -> Receipt:
    late = sum(at_us < newest_us for _, at_us in new)
    times = {to_micros(time_s) for time_s in report.timestamps_s.tolist()}
    expired = len(times) - len(kept)
    duplicates = len(report.timestamps_s) - len(new) - expired
    return Receipt(len(new), duplicates, late, expired, mode, reasons=reasons)


def _insert_samples(
    connection: Connection, parts: Sequence[_Rows], newest_us: Mapping[int, int]
) -> list[set[_Key]]:
    """Insert the samples that are not stored yet; return which keys are new in each part."""
    samples_by_key: _Rows = {}
    for part in reversed(parts):
        samples_by_key |= part
    # A given history repeats samples of the one before. Looking these up is cheaper than inserting.
    repeated = {link for link, at_us in samples_by_key if at_us <= newest_us[link]}
    stored = recent_sample_keys(connection, repeated, _REPEATED) if repeated else set()
    rows = [_sample_row(key, samples_by_key[key]) for key in sorted(samples_by_key.keys() - stored)]
    if not rows:
        return [set() for _ in parts]
    insert = insert_into(connection, samples).on_conflict_do_nothing()
    insert = insert.returning(samples.c.link, samples.c.at_us)
    inserted = {(link, at_us) for link, at_us in connection.execute(insert, rows)}
    new = []
    for part in parts:
        new.append(inserted & part.keys())
        inserted -= new[-1]
    return new


def _sample_row(key: _Key, values: Sequence[float]) -> dict[str, Any]:
    """Return the row of one sample, null where nothing was measured."""
    measured = {name: None if v != v else v for name, v in zip(COLUMNS, values, strict=True)}
    return {"link": key[0], "at_us": key[1]} | measured


def _update_links(
    connection: Connection,
    rows: Iterable[Row[Any]],
    ends: Mapping[int, int],
    received_us: int,
    detect: bool,
    surprising: set[int],
) -> tuple[dict[int, NetworkMode], set[int]]:
    """Update the links' newest timestamp and mode.

    Return the modes by the links' keys, and the keys of links whose unit is suspected. That is
    looked at with each detection, and for ``surprising`` links.
    """
    names = {row.id: row.link_id for row in rows}
    states = {row.id: link_mode(row) for row in rows}
    due = [link for link, state in states.items() if detect and state.due(ends[link])]
    telemetry = recent_telemetry(connection, [*surprising.union(due)])
    suspects = {link for link, rows in telemetry.items() if unit_suspected(rows[:, 0])}
    switches = []
    for link in due:
        before, states[link] = states[link], states[link].after(telemetry[link], ends[link])
        if before.mode is not None and before.mode is not states[link].mode:
            switches.append(_switch(names[link], ends[link], before, states[link]))
    for link, state in states.items():
        if state.mode is None:
            states[link] = replace(state, mode=NetworkMode.INTERNET, since_us=ends[link])
    _write_links(connection, states, ends, received_us)
    if switches:
        add_events(connection, switches)
    modes = {link: state.mode or NetworkMode.INTERNET for link, state in states.items()}
    return modes, suspects


def _write_links(
    connection: Connection,
    states: Mapping[int, LinkMode],
    ends: Mapping[int, int],
    received_us: int,
) -> None:
    columns = ("mode", "mode_since_us", "candidate", "checked_us", "switches", "newest_us")
    statement = update(links).where(links.c.id == bindparam("key"))
    statement = statement.values(
        {name: bindparam(f"new_{name}") for name in (*columns, "heard_us")}
    )
    rows = [
        {
            "key": link,
            "new_mode": state.mode,
            "new_mode_since_us": state.since_us,
            "new_candidate": state.candidate,
            "new_checked_us": state.checked_us,
            "new_switches": state.switches,
            "new_newest_us": ends[link],
            "new_heard_us": received_us,
        }
        for link, state in states.items()
    ]
    connection.execute(statement, rows)


def _switch(link_id: str, at_us: int, before: LinkMode, after: LinkMode) -> Event:
    modes = {"before": before.mode, "after": after.mode}
    return Event("mode_switch", at_us / 1e6, link_id, modes)
