"""Recording forecasts of transfers, a few at a time of each link."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pba.scoring.codes import MODES
from pba.scoring.transfer_sums import RecordedTransfer
from pba.store.executor import Call, SetStatement
from pba.store.statements import to_micros
from pba.types import NetworkMode

__all__ = ["FIRST_LOOK_S", "MOST_OPEN", "transfer_calls"]

MOST_OPEN = 4
"""How many transfers of a link wait at a time: those that overlap say much the same."""

FIRST_LOOK_S = 5.0

_VALUES = {
    "after_us": "int8",
    "size_bytes": "int8",
    "created_us": "int8",
    "look_us": "int8",
    "step_s": "float4",
    "deadline_s": "float8",
    "mode": "int2",
    "body": "bytea",
}
_NAMES = ", ".join(_VALUES)
_OPEN = "(SELECT count(*) FROM open_transfers AS own WHERE own.link = {link})"
_INSERT = f"INSERT INTO open_transfers (link, {_NAMES})"
_INSERT_TRANSFERS = SetStatement(
    {"link_name": "text"} | _VALUES,
    f"""
    {_INSERT}
    SELECT n.id, {", ".join(f"n.{name}" for name in _VALUES)}
      FROM (SELECT l.id, i.*, row_number() OVER (PARTITION BY l.id ORDER BY i.place) AS nth
              FROM {{input}} JOIN links AS l ON l.link_id = i.link_name) AS n
     WHERE n.nth + {_OPEN.format(link="n.id")} <= {MOST_OPEN}
     ORDER BY n.id, n.after_us, n.size_bytes
        ON CONFLICT DO NOTHING
    """,
    f"""
    {_INSERT}
    SELECT l.id, {", ".join(f"?{place}" for place in range(2, 2 + len(_VALUES)))}
      FROM links AS l WHERE l.link_id = ?1 AND {_OPEN.format(link="l.id")} < {MOST_OPEN}
        ON CONFLICT DO NOTHING
    """,
)


def transfer_calls(transfers: Sequence[RecordedTransfer]) -> list[Call]:
    """Return the statements that record transfers.

    Of several with one link, newest sample and size the first is kept. Those of links that do not
    exist, or have as many open as may be, are dropped.
    """
    return [(_INSERT_TRANSFERS, [_row(one) for one in transfers])]


def _row(transfer: RecordedTransfer) -> tuple[Any, ...]:
    created_us = to_micros(transfer.created_s)
    return (
        transfer.link_id,
        to_micros(transfer.after_s),
        transfer.size_bytes,
        created_us,
        created_us + to_micros(FIRST_LOOK_S),
        transfer.step_s,
        transfer.deadline_s,
        MODES.index(NetworkMode(transfer.mode)),
        np.array(transfer.duration_s, dtype=">f4").tobytes(),
    )
