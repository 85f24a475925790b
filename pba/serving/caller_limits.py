"""What each caller may use of one router: its share of the caller's limits."""

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pba.errors import LimitReached
from pba.security.identity import Identity
from pba.security.limits import UNLIMITED, Limits
from pba.security.roles import Role
from pba.serving.token_bucket import TokenBucket

__all__ = ["CallerLimits"]

_MOST_CALLERS = 10_000
_NONE: Mapping[Role, Limits] = {}


@dataclass(slots=True)
class _Use:
    """What one caller uses."""

    requests: TokenBucket
    samples: TokenBucket
    in_flight: int = 0


@dataclass
class CallerLimits:
    """Admits the calls of each caller up to its limits.

    A limit is of the whole service. A router gives as much of it as it is one of several, so that
    a caller whose calls are spread over all routers gets all of it, and one with a single
    connection of gRPC the share of one router.

    Parameters
    ----------
    defaults
        The limits of each role, where a caller has none of its own.
    routers
        Returns how many routers there are.
    clock
        Returns the seconds of a steady clock.
    count
        Called with the role of a caller and the limit that it has reached.
    """

    defaults: Mapping[Role, Limits] = field(default_factory=lambda: _NONE)
    routers: Callable[[], int] = lambda: 1
    clock: Callable[[], float] = time.monotonic
    count: Callable[[Role, str], None] = lambda role, limit: None
    _uses: OrderedDict[str, _Use] = field(default_factory=OrderedDict)

    def limits_of(self, identity: Identity) -> Limits:
        """Return the limits of a caller; one without a name has none."""
        if identity.name is None:
            return UNLIMITED
        default = self.defaults.get(identity.role, UNLIMITED)
        return identity.limits.or_else(default) if identity.limits is not UNLIMITED else default

    @contextlib.contextmanager
    def admit(self, identity: Identity) -> Iterator[None]:
        """Admit one call of ``identity`` for as long as the context lasts.

        Raises
        ------
        LimitReached
            If it has made as many as it may.
        """
        limits = self.limits_of(identity)
        if limits.requests_per_s is None and limits.in_flight is None:
            yield
            return
        use = self._use_of(identity)
        self._check_in_flight(identity, limits, use)
        self.admit_request(identity)
        use.in_flight += 1
        try:
            yield
        finally:
            use.in_flight -= 1

    def at_once(self, identity: Identity, most: int) -> int:
        """Return how many requests of one call of ``identity`` may be worked on, up to ``most``."""
        limit = self.limits_of(identity).in_flight
        return most if limit is None else max(1, min(most, limit // self.routers()))

    def admit_request(self, identity: Identity) -> None:
        """Admit one of several requests within a call of ``identity``.

        Raises
        ------
        LimitReached
            If it has sent as many as it may.
        """
        limit = self.limits_of(identity).requests_per_s
        if limit is None:
            return
        bucket, rate = self._use_of(identity).requests, limit / self.routers()
        self._check_rate(identity, "requests_per_s", limit, rate, bucket)
        bucket.take(rate, 1, self.clock())

    def admit_samples(self, identity: Identity, count: int) -> None:
        """Admit ``count`` samples of ``identity``.

        Raises
        ------
        LimitReached
            If it has sent as many as it may.
        """
        limit = self.limits_of(identity).samples_per_s
        if limit is None or not count:
            return
        bucket, rate = self._use_of(identity).samples, limit / self.routers()
        self._check_rate(identity, "samples_per_s", limit, rate, bucket)
        bucket.take(rate, count, self.clock())

    def body_limit_mb(self, identity: Identity) -> float:
        """Return the largest body of ``identity`` in MB, infinite without a limit."""
        limit_mb = self.limits_of(identity).body_mb
        return float("inf") if limit_mb is None else limit_mb

    def _check_in_flight(self, identity: Identity, limits: Limits, use: _Use) -> None:
        if limits.in_flight is None:
            return
        share = max(1, limits.in_flight // self.routers())
        if use.in_flight >= share:
            raise self._reached(
                identity,
                "in_flight",
                f"{use.in_flight} calls of {identity.name} are in flight; it may have "
                f"{limits.in_flight} in all routers, {share} in this one.",
                1.0,
            )

    def _check_rate(
        self, identity: Identity, name: str, limit: float, rate: float, bucket: TokenBucket
    ) -> None:
        wait_s = bucket.wait_s(rate, self.clock())
        if wait_s > 0:
            what = name.removesuffix("_per_s")
            raise self._reached(
                identity,
                name,
                f"{identity.name} may send {limit:g} {what} a second ({name}) and has sent more.",
                wait_s,
            )

    def _reached(self, identity: Identity, name: str, text: str, wait_s: float) -> LimitReached:
        self.count(identity.role, name)
        error = LimitReached(f"{text} Try again as Retry-After says.")
        error.retry_after_s = wait_s
        return error

    def _use_of(self, identity: Identity) -> _Use:
        """Return what a caller uses; of 10 000 callers at once, the oldest is forgotten."""
        caller = identity.key_id or str(identity.name)
        use = self._uses.get(caller)
        if use is None:
            now_s = self.clock()
            use = self._uses[caller] = _Use(TokenBucket(now_s), TokenBucket(now_s))
            if len(self._uses) > _MOST_CALLERS:
                self._uses.popitem(last=False)
        else:
            self._uses.move_to_end(caller)
        return use
