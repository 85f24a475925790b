"""Writing what was scored: one transaction, in which the links' records decide what counts."""

from collections.abc import Iterable

import numpy as np
from sqlalchemy import Connection

from pba.store import settlement_postgresql, settlement_sqlite
from pba.store.settlement_rows import SettlementRows

__all__ = ["Outrun", "write_settlement"]


class Outrun(Exception):
    """Others have scored some of the links meanwhile, or deleted them."""

    def __init__(self, links: Iterable[int]) -> None:
        super().__init__()
        self.links = np.array(sorted(links), dtype=np.int64)


def write_settlement(connection: Connection, rows: SettlementRows) -> None:
    """Write all rows.

    Raises
    ------
    Outrun
        With the links whose record is no longer as it was read: the transaction is to be undone.
    """
    if connection.dialect.name == "postgresql":
        written = settlement_postgresql.write_rows(connection, rows)
    else:
        written = settlement_sqlite.write_rows(connection, rows)
    lost = set(rows.records["link"]) - written
    if lost:
        raise Outrun(lost)
