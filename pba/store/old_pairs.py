"""Pairs of both arms among forecasts of the release before, summed up when these are moved."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, tuple_

from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.forecast_body import unpack_all
from pba.scoring.pair_sums import pair_sums
from pba.store.report_tables import pair_deltas
from pba.store.statements import chunks
from pba.store.tables import ACTUALS, flags, forecasts, open_forecasts

__all__ = ["add_old_pairs"]

_Row = Mapping[str, Any]
_KEY = ("link", "after_us", "arm", "version")


def add_old_pairs(connection: Connection, moved: Sequence[_Row]) -> None:
    """Append the sums of the pairs that are complete by ``moved`` forecasts.

    The other forecast of a pair is among them, or was moved before.
    """
    scored = [row for row in moved if row["actual_1_mbps"] is not None]
    arms = {row["arm"] for row in scored}
    if not arms:
        return
    stored = _stored(connection, scored, sorted({0, 1} - arms) or [0, 1])
    if len(arms) == 1 and not stored:
        return  # nobody compares arms: the usual case
    rows = {tuple(row[name] for name in _KEY): row for row in (*stored, *scored)}
    new = {tuple(row[name] for name in _KEY) for row in scored}
    ordered = [rows[key] for key in sorted(rows)]
    at = np.array([place for place, key in enumerate(sorted(rows)) if key in new])
    changed_us = connection.execute(select(flags.c.changed_us)).scalar() or 0
    sums = pair_sums(_table(ordered), _outcomes(ordered, at), changed_us)
    if sums:
        connection.execute(pair_deltas.insert(), sums)


def _stored(connection: Connection, scored: Sequence[_Row], arms: list[int]) -> list[_Row]:
    """Return the scored rows of ``arms`` that are there already, of the moments of ``scored``."""
    rows: list[_Row] = []
    for chunk in chunks(sorted({(row["link"], row["after_us"]) for row in scored})):
        for table in (open_forecasts, forecasts):
            columns = table.c
            query = select(table).where(tuple_(columns.link, columns.after_us).in_(chunk))
            query = query.where(columns.arm.in_(arms), columns.actual_1_mbps.is_not(None))
            rows += [dict(row) for row in connection.execute(query).mappings()]
    return rows


def _table(rows: Sequence[_Row]) -> OpenForecasts:
    """Return what `pair_sums` reads of forecasts."""
    count = len(rows)

    def column(name: str, kind: type = np.int64) -> Any:
        return np.array([row[name] for row in rows], dtype=kind)

    actual_mbps = np.full((count, len(ACTUALS)), np.nan)
    actual_mbps[:, 0] = column("actual_1_mbps", np.float64)
    return OpenForecasts(
        **{name: column(name) for name in (*_KEY, "created_us", "mode", "source")},
        served=column("served", np.bool_),
        step_s=column("step_s", np.float64),
        took_ms=column("took_ms", np.float64),
        actual_mbps=actual_mbps,
        **unpack_all([row["body"] for row in rows]),
    )


def _outcomes(rows: Sequence[_Row], at: Any) -> OutcomeTable:
    """Return the outcomes one step ahead of the rows ``at``, as far as `pair_sums` reads them."""
    zeros = np.zeros(len(at), dtype=np.int64)
    actual_mbps = np.array([rows[place]["actual_1_mbps"] for place in at.tolist()], dtype=float)
    return OutcomeTable(at, zeros, zeros, actual_mbps, zeros.astype(bool))
