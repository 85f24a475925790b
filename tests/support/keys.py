"""Keys for tests, and who knows them."""

from collections.abc import Sequence

from deployments.ingress.services import Services
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


def key_headers(services: Services) -> list[dict[str, str]]:
    """Add a key of every kind; return the headers of each, of none, and of some that are wrong.

    One key is limited so that a caller at full speed meets each of its limits.
    """
    limits = Limits(requests_per_s=200, samples_per_s=50, in_flight=2, body_mb=0.01, max_links=20)
    keys = [
        *(key(role, *links, name=role) for role in Role for links in ((), ("a*", "b:*"))),
        key(Role.REPORTER, name="limited", limits=limits),
    ]
    for record, _ in keys:
        services.stores.flags.keys.add(record)
    known = [header for _, header in keys]
    token = known[0]["Authorization"]
    wrong = [f"{token}0", token[:-1], "Bearer", "Basic YTpi", f"Bearer {'a' * 9000}", "Bearer \xe9"]
    return [{}, *known, *({"Authorization": text} for text in wrong)]
