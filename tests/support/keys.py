"""Keys for tests, and who knows them."""

from collections.abc import Sequence

from pba.security import EVERYTHING, KeyRecord, Role, Scope, new_key
from pba.security.limits import UNLIMITED, Limits
from pba.serving.callers import Callers
from pba.serving.key_watch import KeySources, KeyWatch
from pba.serving.refusal_counter import RefusalCounter
from pba.store.refusal_table import RefusalCount

NOW_S = 1_790_000_000.0


async def callers(records: Sequence[KeyRecord] = (), opens: bool = True) -> Callers:
    """Return who knows the callers with keys of ``records``."""
    watch = KeyWatch(KeySources(lambda: list(records)), opens, 60.0, 60.0, lambda: NOW_S)
    await watch.refresh()
    return Callers(watch)


def refusal_counter(stored: list[RefusalCount] | None = None) -> RefusalCounter:
    """Return a counter that writes to ``stored``."""
    rows = [] if stored is None else stored
    return RefusalCounter(rows.extend, lambda: NOW_S)


def key(
    role: str, *links: str, name: str = "somebody", limits: Limits = UNLIMITED
) -> tuple[KeyRecord, dict[str, str]]:
    """Return a key for ``links``, by default all, and the header that sends it."""
    scope = Scope(links) if links else EVERYTHING
    record, text = new_key(name, Role(role), NOW_S - 60, scope, limits=limits)
    return record, {"Authorization": f"Bearer {text}"}
