"""A token bucket: how often something may happen, on average and at once."""

__all__ = ["TokenBucket"]

_BURST_S = 1.0


class TokenBucket:
    """Gains tokens at a rate and holds those of one second at most, but one at the least.

    It may be in debt: what takes more than there is waits afterwards, not before, so that a call
    over the rate of a second is possible at all.

    Parameters
    ----------
    now_s
        Seconds of any steady clock, as for all methods.
    """

    def __init__(self, now_s: float) -> None:
        self._tokens: float | None = None  # full
        self._at_s = now_s

    def wait_s(self, rate: float, now_s: float) -> float:
        """Return in how many seconds something may be taken at ``rate`` a second; 0 for now.

        >>> bucket = TokenBucket(0.0)
        >>> bucket.take(10.0, 30, 0.0)
        >>> bucket.wait_s(10.0, 0.0), bucket.wait_s(10.0, 2.5)
        (2.1, 0.0)
        """
        tokens = self._filled(rate, now_s)
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / rate

    def take(self, rate: float, count: float, now_s: float) -> None:
        """Take ``count`` tokens, into debt if need be."""
        self._tokens = self._filled(rate, now_s) - count

    def _filled(self, rate: float, now_s: float) -> float:
        full = max(1.0, rate * _BURST_S)
        tokens = full if self._tokens is None else self._tokens
        tokens = min(full, tokens + rate * max(0.0, now_s - self._at_s))
        self._tokens, self._at_s = tokens, now_s
        return tokens
