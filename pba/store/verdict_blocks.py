"""Blocks of the rollout's test: what closing one needs, and what became of those that are closed.

Blocks count from the last change of the flags, and their length is the one then set. Where nothing
was stored at that change (by the release before, or before the first one) they count from when a
Monitor first looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from pba.rollout.sequential_test import BLOCKS_NEEDED, threshold
from pba.scoring.codes import MODES
from pba.store.pair_totals import pair_totals
from pba.store.statements import insert_into
from pba.store.tables import flags
from pba.store.verdict_tables import OVERALL, link_pair_sums, verdict_blocks

__all__ = [
    "DueBlock",
    "ModeTest",
    "changed_us",
    "due_block",
    "start_blocks",
    "standing",
    "write_block",
]

_Ints = NDArray[np.int64]
_START = {"pairs": 0, "net": 0, "units": 0, "links": 0, "evidence": 1.0, "verdict": "undecided"}


@dataclass(frozen=True, slots=True, eq=False)
class ModeTest:
    """The sums of one mode, or of all.

    Parameters
    ----------
    mode
        A code of `pba.scoring.codes`, or `OVERALL`.
    pairs, net
        How many pairs there were, and wins less losses, at the start and at the end of each block,
        that to be closed among them, ``(block + 1,)``.
    totals, counts
        How many links have which wins less losses, ``(total,)``.
    verdict
        That after the block before, which stands if it is decided.
    """

    mode: int
    pairs: _Ints
    net: _Ints
    totals: _Ints
    counts: _Ints
    verdict: str


@dataclass(frozen=True, slots=True, eq=False)
class DueBlock:
    """A block that is to be closed.

    Parameters
    ----------
    since_us
        The change of the flags from which it counts.
    block
        Its number; 0 for the start.
    ended_us, length_us
        When it ended, and how long blocks are.
    tests
        All modes together, and where there are several, each with pairs.
    """

    since_us: int
    block: int
    ended_us: int
    length_us: int
    tests: tuple[ModeTest, ...]


def changed_us(connection: Connection) -> int:
    """Return when the flags were last changed, 0 for never."""
    return connection.execute(select(flags.c.changed_us)).scalar() or 0


def start_blocks(connection: Connection, since_us: int, length_us: int) -> None:
    """Begin a comparison with a change of the flags."""
    connection.execute(delete(verdict_blocks).where(verdict_blocks.c.since_us == since_us))
    row = {"since_us": since_us, "mode": OVERALL, "block": 0, "ended_us": since_us}
    connection.execute(verdict_blocks.insert(), row | {"length_us": length_us} | _START)


def due_block(connection: Connection, now_us: int, length_us: int) -> DueBlock | None:
    """Return the block that is to be closed at ``now_us``, None if there is none.

    Parameters
    ----------
    length_us
        Of blocks that nobody has begun yet.
    """
    since_us = changed_us(connection)
    rows = _rows(connection, since_us)
    last = rows[OVERALL][-1] if OVERALL in rows else None
    if last is None:
        block, ended_us = 0, now_us
    else:
        length_us = last["length_us"]
        block, ended_us = last["block"] + 1, now_us - (now_us - last["ended_us"]) % length_us
        if ended_us <= last["ended_us"]:
            return None
    tests = _tests(connection, since_us, rows)
    return DueBlock(since_us, block, ended_us, length_us, tests)


def write_block(connection: Connection, due: DueBlock, rows: Sequence[dict[str, Any]]) -> bool:
    """Write a closed block, that of `OVERALL` first; return false if somebody else has.

    Without rows, no pair has come: the next block starts when this one ended.
    """
    key = {"since_us": due.since_us, "block": due.block}
    if not rows:
        table = verdict_blocks.c
        before = (table.since_us == due.since_us) & (table.block == due.block - 1)
        later = before & (table.ended_us < due.ended_us)
        moved = update(verdict_blocks).where(later).values(ended_us=due.ended_us)
        return bool(connection.execute(moved).rowcount)
    common = key | {"ended_us": due.ended_us, "length_us": due.length_us}
    first, *others = (common | row for row in rows)
    insert = insert_into(connection, verdict_blocks)
    mine = insert.on_conflict_do_nothing().returning(verdict_blocks.c.block)
    if connection.execute(mine, first).scalar() is None:
        return False
    if others:
        connection.execute(insert.on_conflict_do_nothing(), others)
    return True


def standing(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return what reports say of the last closed block, by mode and ``overall``.

    A mode alone is not there: its test is that of all.
    """
    since_us, table = changed_us(connection), verdict_blocks.c
    newest = select(func.max(table.block)).where(table.since_us == since_us, table.mode == OVERALL)
    query = select(verdict_blocks).where(
        table.since_us == since_us, table.block == newest.scalar_subquery()
    )
    rows = connection.execute(query).mappings().all()
    decides_at = threshold(max(1, len(rows)))
    return {_name(row["mode"]): _report(row, decides_at) for row in rows}


def _name(mode: int) -> str:
    return "overall" if mode == OVERALL else MODES[mode].value


def _report(row: Any, decides_at: float) -> dict[str, Any]:
    return {
        "evidence": row["evidence"],
        "decides_at": decides_at,
        "blocks": row["units"],
        "blocks_needed": BLOCKS_NEEDED,
        "block_s": row["length_us"] / 1e6,
        "links": row["links"],
        "verdict": row["verdict"],
    }


def _rows(connection: Connection, since_us: int) -> dict[int, list[Any]]:
    """Return the closed blocks by mode, in their order."""
    table = verdict_blocks.c
    query = select(verdict_blocks).where(table.since_us == since_us)
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(query.order_by(table.mode, table.block)).mappings():
        rows.setdefault(row["mode"], []).append(row)
    return rows


def _tests(
    connection: Connection, since_us: int, rows: dict[int, list[Any]]
) -> tuple[ModeTest, ...]:
    sums = {
        mode: (round(of_mode["pairs"]), round(of_mode["v3_only"] - of_mode["v1_only"]))
        for mode, of_mode in sorted(pair_totals(connection, since_us).items())
    }
    pairs, net = (sum(part) for part in zip(*sums.values(), strict=True)) if sums else (0, 0)
    modes = list(sums) if len(sums) > 1 else []
    mine = link_pair_sums.c.since_us == since_us
    tests = [_test(OVERALL, rows, pairs, net, _overall_totals(connection, mine))]
    for mode in modes:
        totals = _histogram(
            connection, link_pair_sums.c.net, mine & (link_pair_sums.c.mode == mode)
        )
        tests.append(_test(mode, rows, *sums[mode], totals))
    return tuple(tests)


def _test(
    mode: int, rows: dict[int, list[Any]], pairs: int, net: int, links: tuple[_Ints, _Ints]
) -> ModeTest:
    closed = rows.get(mode, [])
    # A mode that came later had no pairs at the start.
    base = [] if not rows or (closed and closed[0]["block"] == 0) else [0]
    return ModeTest(
        mode,
        np.array([*base, *(row["pairs"] for row in closed), pairs], dtype=np.int64),
        np.array([*base, *(row["net"] for row in closed), net], dtype=np.int64),
        *links,
        closed[-1]["verdict"] if closed else "undecided",
    )


def _overall_totals(connection: Connection, mine: ColumnElement[bool]) -> tuple[_Ints, _Ints]:
    table = link_pair_sums.c
    links = select(func.sum(table.net).label("net")).where(mine).group_by(table.link).subquery()
    return _histogram(connection, links.c.net)


def _histogram(
    connection: Connection, net: ColumnElement[int], mine: ColumnElement[bool] | None = None
) -> tuple[_Ints, _Ints]:
    """Return how many links have which wins less losses: few rows for however many links."""
    query = select(net, func.count()).group_by(net).order_by(net)
    rows = connection.execute(query if mine is None else query.where(mine)).all()
    table = np.array([(int(value), count) for value, count in rows], dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
