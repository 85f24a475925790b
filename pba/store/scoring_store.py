"""The store as a Monitor uses it: links that are due are claimed, read, and written when scored."""

from collections.abc import Callable

from pba.rollout import Flags
from pba.scoring.batch import DueBatch
from pba.store import due_batch, due_links, link_counts, version_table
from pba.store.database import Database
from pba.store.due_links import Claim
from pba.store.flag_table import flag_state
from pba.store.scored_links import ScoredLinks
from pba.store.settlement_rows import SettlementRows
from pba.store.settlement_writes import Outrun, write_settlement
from pba.store.statements import to_micros

__all__ = ["ScoringStore"]

_GROUPS_FOR_S = 60.0


class ScoringStore:
    """Claims, reads and writes due links, many at a time; see `pba.store.Store.scoring`.

    A link's record counts its changes. Of two Monitors with one link, only that writes which finds
    the record as it was read, in the transaction that writes the actuals: nothing is scored twice.
    Nothing is lost either: a link is due until a Monitor has written what its last sample brings.

    Parameters
    ----------
    database
        Shared with the `Store`.
    clock
        Returns the current Unix time in seconds.
    default
        The flags until they are changed for the first time.
    """

    def __init__(self, database: Database, clock: Callable[[], float], default: Flags) -> None:
        self._database = database
        self._clock = clock
        self._default = default
        self._groups: frozenset[str] = frozenset()
        self._groups_until_s = float("-inf")

    @property
    def now_us(self) -> int:
        """The time of the service's clock, microseconds."""
        return round(self._clock() * 1e6)

    def backlog(self) -> tuple[int, float]:
        """Return how many links are due, and for how many seconds the longest has been."""
        count, oldest_us = self._database.read(due_links.backlog)
        return count, 0.0 if oldest_us is None else max(0.0, (self.now_us - oldest_us) / 1e6)

    def version_names(self) -> dict[int, str]:
        """Return the name of each number of a model version."""
        return self._database.read(version_table.version_names)

    def claim(self, count: int, for_s: float) -> Claim:
        """Claim up to ``count`` due links that no other has, for ``for_s`` seconds."""
        now_us = self.now_us
        until_us = now_us + round(for_s * 1e6)
        if self._database.engine.dialect.name == "sqlite":  # a claim is not written
            return self._database.read(due_links.claim_links, now_us, until_us, count)
        return self._database.write(due_links.claim_links, now_us, until_us, count)

    def release(self, claim: Claim) -> None:
        """Give back what is left of a claim."""
        self._database.write(due_links.release, claim)

    def postpone(self, claim: Claim) -> None:
        """Have nobody look at the links of a claim before it runs out."""
        self._database.write(due_links.postpone, claim)

    def read(self, claim: Claim) -> DueBatch:
        """Return what scoring the claimed links needs."""
        return self._database.read(due_batch.read_batch, claim)

    def write(self, claim: Claim, scored: ScoredLinks) -> ScoredLinks:
        """Write what was scored; return that part of it which counts.

        A link that another Monitor has scored meanwhile, or that was deleted, does not.
        """
        # Read after the forecasts: a change that one of them follows is known.
        flags = self._database.read(flag_state, self._default)
        changed_us = to_micros(flags.changed_s or 0.0)
        groups = self._largest_groups()
        while True:
            rows = SettlementRows.of(claim, scored, changed_us, groups)
            try:
                self._database.write(write_settlement, rows)
            except Outrun as outrun:
                scored = scored.without(outrun.links)
            else:
                return scored

    def _largest_groups(self) -> frozenset[str]:
        """Return the groups that have sums of their own, as of a minute ago at most."""
        now_s = self._clock()
        if now_s >= self._groups_until_s:
            self._groups = self._database.read(link_counts.largest_groups)
            self._groups_until_s = now_s + _GROUPS_FOR_S
        return self._groups
