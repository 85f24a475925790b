"""The tables of transfers that are scored: those that wait, and sums of links and of modes."""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Float,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    text,
)

from pba.store.tables import metadata

__all__ = ["SUMS", "link_transfers", "open_transfers", "transfer_totals"]

SUMS = ("scored", "censored", "unscored", "inside", "faster", "slower")
"""The columns of sums, in the order of `pba.scoring.transfer_sums.TransferSums`."""


def _key(name: str, kind: Any = BigInteger) -> Column[int]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _sums() -> list[Column[float]]:
    return [Column(name, Float(53), nullable=False, server_default=text("0")) for name in SUMS]


open_transfers = Table(
    "open_transfers",
    metadata,
    _key("link"),
    _key("after_us"),
    _key("size_bytes"),
    Column("created_us", BigInteger, nullable=False),
    Column("look_us", BigInteger, nullable=False),
    Column("step_s", REAL, nullable=False),
    Column("deadline_s", Float(53)),
    Column("mode", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_open_transfers_look", "look_us"),
)
"""Forecasts of transfers that wait for their actual; ``look_us`` is when a Monitor looks next.

``mode`` is a code of `pba.scoring.codes`, and ``body`` has the quantiles of the duration, float32
each.
"""

link_transfers = Table("link_transfers", metadata, _key("link"), *_sums())
"""Sums over the transfers of a link."""

transfer_totals = Table("transfer_totals", metadata, _key("mode", SmallInteger), *_sums())
"""Sums over all transfers of a mode; they are kept when links are deleted."""
