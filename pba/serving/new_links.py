"""How many links a caller may bring into being."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Protocol

from pba.errors import LimitReached, StoreUnavailable, quoted
from pba.security.identity import Identity
from pba.security.scopes import Scope
from pba.serving.caller_limits import CallerLimits
from pba.serving.deadlines import store_deadline
from pba.serving.pools import DEFAULT_POOL, Pool

__all__ = ["LinkNames", "NewLinks"]

_COUNT_EVERY_S = 10.0
_MOST_NAMES = 100_000


class LinkNames(Protocol):
    """The links that there are; both calls block."""

    def existing_links(self, link_ids: Sequence[str]) -> set[str]:
        """Return those of ``link_ids`` that are links."""

    def count_links(self, scope: Scope, most: int) -> int:
        """Return how many links ``scope`` has, counting no further than ``most``."""


class NewLinks:
    """Refuses links that do not exist yet once the patterns of a caller have as many as they may.

    The links of a caller's patterns are counted every 10 s at most. Routers count each for itself,
    so that several may pass the limit by what they accept within that time.

    Parameters
    ----------
    limits
        Know what each caller may use; an attribute too.
    store
        Knows the links.
    deadline_s
        How long a call waits for the store.
    pool
        Where its calls run.
    """

    def __init__(
        self,
        limits: CallerLimits,
        store: LinkNames,
        deadline_s: float,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self.limits = limits
        self._store = store
        self._deadline_s = deadline_s
        self._pool = pool
        self._known: OrderedDict[str, None] = OrderedDict()
        self._counts: dict[Scope, tuple[int, float]] = {}

    async def errors(
        self, identity: Identity, link_ids: Collection[str]
    ) -> dict[str, LimitReached]:
        """Return the error of each of ``link_ids`` that ``identity`` may not bring into being.

        While the store is away there are none: nothing is stored then either.
        """
        limit = self.limits.limits_of(identity).max_links
        if limit is None:
            return {}
        try:
            async with store_deadline(self._deadline_s):
                new = await self._new(link_ids)
                if not new:
                    return {}
                count = await self._counted(identity.scope, limit)
        except StoreUnavailable:
            return {}
        room = max(0, limit - count)
        accepted, refused = new[:room], new[room:]
        self._remember(accepted)
        self._counts[identity.scope] = (count + len(accepted), self._counts[identity.scope][1])
        if not refused:
            return {}
        self.limits.count(identity.role, "max_links")
        return {name: _error(identity, name, limit) for name in refused}

    async def _new(self, link_ids: Collection[str]) -> list[str]:
        unknown = [name for name in dict.fromkeys(link_ids) if name not in self._known]
        if not unknown:
            return []
        existing = await self._pool(lambda: self._store.existing_links(unknown))
        self._remember(existing)
        return [name for name in unknown if name not in existing]

    async def _counted(self, scope: Scope, limit: int) -> int:
        now_s = self.limits.clock()
        count, at_s = self._counts.get(scope, (0, -_COUNT_EVERY_S))
        if now_s - at_s >= _COUNT_EVERY_S:
            if len(self._counts) >= _MOST_NAMES:
                self._counts.clear()
            count = await self._pool(lambda: self._store.count_links(scope, limit))
            self._counts[scope] = (count, now_s)
        return count

    def _remember(self, names: Collection[str]) -> None:
        self._known.update(dict.fromkeys(names))
        while len(self._known) > _MOST_NAMES:
            self._known.popitem(last=False)


def _error(identity: Identity, link_id: str, limit: int) -> LimitReached:
    error = LimitReached(
        f"link_id is {quoted(link_id)}, a new link, and {identity.name} has {limit} links in "
        f"{identity.scope}, the most that it may have (max_links). Delete some, or have the limit "
        "raised.",
        "link_id",
    )
    error.retry_after_s = _COUNT_EVERY_S
    return error
