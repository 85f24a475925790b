"""The tables of the rollout's test: sums of links since the flags' last change, closed blocks."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, String, Table, text

from pba.store.tables import metadata

__all__ = ["ADD_TO_LINK_SUM", "OVERALL", "link_pair_sums", "verdict_blocks"]

OVERALL = -1
"""What stands for all modes together, among the codes of modes."""


def _key(name: str) -> Column[int]:
    kind = SmallInteger if name == "mode" else Integer if name == "block" else BigInteger
    return Column(name, kind, primary_key=True, autoincrement=False)


link_pair_sums = Table(
    "link_pair_sums",
    metadata,
    _key("link"),
    _key("mode"),
    Column("since_us", BigInteger, nullable=False),
    Column("net", Integer, nullable=False, server_default=text("0")),
    Index("ix_link_pair_sums_since", "since_us"),
)
"""Of each link with pairs: those that only v3 had in band less those that only v1 had.

``since_us`` is the change of the flags since which they count. A row that counts since an earlier
one starts again with the link's next pair.
"""

ADD_TO_LINK_SUM = """
    ON CONFLICT (link, mode) DO UPDATE SET since_us = excluded.since_us,
    net = CASE WHEN s.since_us = excluded.since_us THEN s.net ELSE 0 END + excluded.net
    WHERE s.since_us < excluded.since_us OR (s.since_us = excluded.since_us AND excluded.net <> 0)
"""
"""The end of a statement of both databases that inserts rows into `link_pair_sums` as ``s``."""

verdict_blocks = Table(
    "verdict_blocks",
    metadata,
    _key("since_us"),
    _key("mode"),
    _key("block"),
    Column("ended_us", BigInteger, nullable=False),
    Column("length_us", BigInteger, nullable=False),
    Column("pairs", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("units", Integer, nullable=False),
    Column("links", BigInteger, nullable=False),
    Column("evidence", Float(53), nullable=False),
    Column("verdict", String(9), nullable=False),
)
"""Each closed block since a change of the flags, of a mode and of all (`OVERALL`).

``pairs`` and ``net`` are the sums at its end over all pairs since the change, so a pair counts in
the block in which it is added up, and a closed block never changes. ``units`` are the blocks so far
that have pairs. Block 0 is the start. ``ended_us`` moves on while no pair comes.
"""
