"""Scoring recorded transfers: what is due, its samples, and the sums that it adds to."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Table, delete, func, select, update

from pba.scoring.codes import MODES
from pba.scoring.transfer_sums import RecordedTransfer, TransferSamples, TransferSums
from pba.store.statements import insert_into, number_table, to_micros, to_seconds
from pba.store.tables import links, samples
from pba.store.transfer_tables import SUMS, link_transfers, open_transfers, transfer_totals
from pba.types import NetworkMode

__all__ = [
    "MOST_SAMPLES",
    "OpenTransfer",
    "due_transfers",
    "sums_of",
    "transfer_samples",
    "transfer_summary",
    "write_transfers",
]

MOST_SAMPLES = 25_000
"""Of one transfer: a sample a second for longer than any is observed."""


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer that waits, and the key of its link."""

    link: int
    transfer: RecordedTransfer


def due_transfers(connection: Connection, now_us: int, count: int) -> list[OpenTransfer]:
    """Return up to ``count`` transfers that are to be looked at, those first that wait longest."""
    query = select(open_transfers, links.c.link_id).join(links, links.c.id == open_transfers.c.link)
    query = query.where(open_transfers.c.look_us <= now_us).order_by(open_transfers.c.look_us)
    return [_open_transfer(row) for row in connection.execute(query.limit(count))]


def _open_transfer(row: Row[Any]) -> OpenTransfer:
    return OpenTransfer(
        row.link,
        RecordedTransfer(
            row.link_id,
            row.after_us / 1e6,
            row.created_us / 1e6,
            MODES[row.mode].value,
            row.step_s,
            row.size_bytes,
            row.deadline_s,
            tuple(np.frombuffer(row.body, dtype=">f4").tolist()),
        ),
    )


def transfer_samples(connection: Connection, one: OpenTransfer, for_s: float) -> TransferSamples:
    """Return the samples of a transfer's link from its beginning on, for so many seconds."""
    columns = samples.c.at_us, samples.c.bandwidth_mbps, samples.c.during_transfer
    after_us = to_micros(one.transfer.after_s)
    until_us = after_us + to_micros(for_s)
    query = select(*columns).where(samples.c.link == one.link)
    query = query.where(samples.c.at_us.between(after_us, until_us)).order_by(samples.c.at_us)
    table = number_table(connection, query.limit(MOST_SAMPLES), len(columns))
    return TransferSamples(to_seconds(table[:, 0]), table[:, 1], table[:, 2] == 1.0)


def write_transfers(
    connection: Connection,
    scored: Sequence[tuple[OpenTransfer, TransferSums]],
    waiting: Sequence[tuple[OpenTransfer, int]],
) -> int:
    """Close transfers that are scored, and note when to look at the others again.

    A transfer that another Monitor has closed meanwhile, or whose link was deleted, adds nothing.

    Returns
    -------
    int
        How many were closed.
    """
    closed = 0
    for one, sums in scored:
        if connection.execute(delete(open_transfers).where(_is(one))).rowcount:
            mode = MODES.index(NetworkMode(one.transfer.mode))
            _add(connection, link_transfers, {"link": one.link}, sums)
            _add(connection, transfer_totals, {"mode": mode}, sums)
            closed += 1
    for one, look_us in waiting:
        connection.execute(update(open_transfers).where(_is(one)).values(look_us=look_us))
    return closed


def transfer_summary(connection: Connection) -> dict[str, Any]:
    """Return the sums over all transfers, and of each mode, in their wire form."""
    count = connection.execute(select(func.count()).select_from(open_transfers)).scalar_one()
    rows = connection.execute(select(transfer_totals).order_by(transfer_totals.c.mode))
    by_mode = {MODES[row.mode].value: sums_of(row) for row in rows}
    overall = TransferSums()
    for sums in by_mode.values():
        overall = overall.plus(sums)
    modes = {mode: sums.as_dict() for mode, sums in by_mode.items()}
    return {"open": count, **overall.as_dict(), "modes": modes}


def sums_of(row: Row[Any]) -> TransferSums:
    """Return the sums in a row of either table of them; nulls are none."""
    counts, shares = _numbers(row, SUMS[:3]), _numbers(row, SUMS[3:])
    return TransferSums(*map(int, counts), *shares)


def _numbers(row: Row[Any], names: Iterable[str]) -> list[float]:
    return [row._mapping[name] or 0.0 for name in names]


def _is(one: OpenTransfer) -> Any:
    own, key = open_transfers.c, one.transfer
    same_start = own.after_us == to_micros(key.after_s)
    return (own.link == one.link) & same_start & (own.size_bytes == key.size_bytes)


def _add(connection: Connection, table: Table, key: dict[str, int], sums: TransferSums) -> None:
    values = dict(zip(SUMS, astuple(sums), strict=True))
    insert = insert_into(connection, table).values(**key, **values)
    added = {name: table.c[name] + insert.excluded[name] for name in SUMS}
    connection.execute(insert.on_conflict_do_update(index_elements=[*key], set_=added))
