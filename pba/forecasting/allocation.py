"""Allocation advice from a forecast: rate, streams, buffers and pacing.

Policies are offered by name; `amst_v1` has the rules of the old system. See docs/allocation.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from pba.errors import InvalidRequest, cut, quoted
from pba.forecasting.carried import MEGABITS_PER_BYTE, column, forecast_means
from pba.forecasting.transfer_request import TransferRequest
from pba.models.rate_curves import rate_curves
from pba.types import HORIZONS, LIMITS, QUANTILES, Allocation, Forecast

__all__ = ["POLICIES", "AllocationRequest", "advise"]

POLICIES = ("amst_v1",)
"""The names of the policies."""

_RATE_PER_STREAM_MBPS = 10.0
_FAR_MS, _FAR_WEIGHT = 100.0, 0.7
_NEAR_MS, _NEAR_WEIGHT = 20.0, 1.3
_LOSSY, _LOSSY_WEIGHT = 0.01, 0.75
_UNMEASURED_RTT_MS = _FAR_MS  # the longest that weighs 1: too small a buffer is the dearer mistake
_JITTERS_IN_RESERVE = 4.0  # K of RFC 6298, section 2
_BYTES_PER_MBPS_MS = 125.0
_PAGE_BYTES = 4096

_MOST: dict[str, float] = {
    "streams": 65_535,
    "buffer_bytes": 2**30,
    "rate_mbps": LIMITS["bandwidth_mbps"].highest,
}


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """A request for advice and the limits for it, checked at construction.

    Parameters
    ----------
    policy
        One of `POLICIES`.
    quantile
        The level of the forecast's quantile that counts as safe, one of `QUANTILES`.
    steps
        How many steps ahead, one of `HORIZONS`.
    duration_s, bytes
        In place of ``steps``: how long a transfer takes, or how much it moves. The quantile is then
        that of its mean rate. At most one of them, with the limits of a `TransferRequest`.
    min_streams, max_streams
        Parallel TCP streams, 1 to 65535.
    min_buffer_bytes, max_buffer_bytes
        The send buffer of one stream, 1 to 2**30 bytes.
    min_rate_mbps, max_rate_mbps
        All streams together, above 0 and up to 1e7 Mbps. The minimum keeps a link in outage
        probed: without traffic, nothing shows that it is back.

    Raises
    ------
    InvalidRequest
        For the first value that breaks a rule, with the field ``allocation.<name>``.

    Examples
    --------
    >>> AllocationRequest(max_streams=32).min_streams
    2
    >>> AllocationRequest(min_streams=64, max_streams=32)
    Traceback (most recent call last):
    ...
    pba.errors.InvalidRequest: min_streams is 64 and max_streams 32; the least is at most the most.
    Lower min_streams (2 by default) or raise max_streams.
    """

    policy: str = "amst_v1"
    quantile: float = 0.1
    steps: int = 1
    min_streams: int = 2
    max_streams: int = 256
    min_buffer_bytes: int = 16 * 1024
    max_buffer_bytes: int = 1024 * 1024
    min_rate_mbps: float = 1.0
    max_rate_mbps: float = LIMITS["bandwidth_mbps"].highest
    duration_s: float | None = None
    bytes: int | None = None

    def __post_init__(self) -> None:
        _check_offered("policy", self.policy, POLICIES)
        _check_offered("quantile", self.quantile, QUANTILES)
        _check_offered("steps", self.steps, HORIZONS)
        _check_transfer(self)
        for kind in _MOST:
            low, high = (getattr(self, f"{end}_{kind}") for end in ("min", "max"))
            _check_limit(f"min_{kind}", low)
            _check_limit(f"max_{kind}", high)
            _check_order(kind, low, high)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the request in ``body``; absent fields have their defaults.

        Raises
        ------
        InvalidRequest
            For a body that is no mapping, a field that does not exist, or a value that breaks a
            rule.

        Examples
        --------
        >>> AllocationRequest.from_dict({"quantile": 0.25}).quantile
        0.25
        """
        _check_fields(body, tuple(field.name for field in fields(cls)))
        return cls(**body)


def advise(
    forecast: Forecast, request: AllocationRequest, usual_mbps: float | None = None
) -> Allocation:
    """Return how to use a link with the given forecast, at up to ``usual_mbps`` if that is known.

    Round-trip time, loss and jitter are those of the next step, whatever ``request.steps`` is.
    Values that were not measured change nothing: an unknown time counts as 100 ms, loss and jitter
    as 0.

    Raises
    ------
    InvalidRequest
        If the forecast does not look ``request.steps`` ahead.
    """
    limit_mbps = math.inf if usual_mbps is None else usual_mbps
    safe_mbps = min(_quantile_mbps(forecast, request), float(request.max_rate_mbps), limit_mbps)
    pacing_mbps = max(safe_mbps, float(request.min_rate_mbps))
    weight = _weight(forecast.latency_ms, forecast.packet_loss)
    buffer_bytes = _buffer_bytes(forecast, _share_mbps(pacing_mbps, weight, request), request)
    return Allocation(
        policy=request.policy,
        quantile=request.quantile,
        safe_rate_mbps=safe_mbps,
        streams=_streams(pacing_mbps, weight, request),
        buffer_bytes=buffer_bytes,
        chunk_bytes=buffer_bytes // _PAGE_BYTES * _PAGE_BYTES or buffer_bytes,
        pacing_total_mbps=pacing_mbps,
    )


def _quantile_mbps(forecast: Forecast, request: AllocationRequest) -> float:
    if request.duration_s is not None or request.bytes is not None:
        return _mean_mbps(forecast, request)
    offered = {horizon.steps: horizon.quantiles_mbps for horizon in forecast.horizons}
    _check_offered("steps", request.steps, tuple(offered))
    return offered[request.steps][QUANTILES.index(request.quantile)]


def _mean_mbps(forecast: Forecast, request: AllocationRequest) -> float:
    """Return the quantile of the mean rate over the transfer that ``request`` describes."""
    level = QUANTILES.index(request.quantile)
    curves = rate_curves(*forecast_means([forecast]), column([forecast.step_s]))
    if request.duration_s is not None:
        carried_mb = curves.megabits(column([request.duration_s]))
        return float(carried_mb[0, level]) / request.duration_s
    size_mb = float(request.bytes or 0) * MEGABITS_PER_BYTE
    return size_mb / float(curves.time_s(np.array([[size_mb]]))[0, level])


def _weight(latency_ms: float | None, packet_loss: float | None) -> float:
    """Return the factor for the number of streams.

    >>> _weight(150.0, 0.02), _weight(5.0, None), _weight(None, 0.01)
    (0.525, 1.3, 1.0)
    """
    rtt_ms = _UNMEASURED_RTT_MS if latency_ms is None else latency_ms
    by_time = _FAR_WEIGHT if rtt_ms > _FAR_MS else _NEAR_WEIGHT if rtt_ms < _NEAR_MS else 1.0
    return by_time * (_LOSSY_WEIGHT if (packet_loss or 0.0) > _LOSSY else 1.0)


def _streams(rate_mbps: float, weight: float, request: AllocationRequest) -> int:
    # Rounded up, so that the buffers of all streams together hold what is under way.
    streams = math.ceil(rate_mbps * weight / _RATE_PER_STREAM_MBPS)
    return min(max(streams, request.min_streams), request.max_streams)


def _share_mbps(rate_mbps: float, weight: float, request: AllocationRequest) -> float:
    """Return the rate that one stream must be able to carry.

    It is the rate over the number of streams before rounding, which never falls while the rate
    rises; over the whole number it would fall at every stream that is added.
    """
    usual_mbps = _RATE_PER_STREAM_MBPS / weight
    return max(rate_mbps / request.max_streams, min(rate_mbps / request.min_streams, usual_mbps))


def _buffer_bytes(forecast: Forecast, share_mbps: float, request: AllocationRequest) -> int:
    """Return a stream's bandwidth-delay product (RFC 6349, section 3.3.1) and jitter reserve."""
    rtt_ms = _UNMEASURED_RTT_MS if forecast.latency_ms is None else forecast.latency_ms
    longest_ms = rtt_ms + _JITTERS_IN_RESERVE * (forecast.jitter_ms or 0.0)
    size_bytes = math.ceil(share_mbps * longest_ms * _BYTES_PER_MBPS_MS)
    return min(max(size_bytes, request.min_buffer_bytes), request.max_buffer_bytes)


def _check_offered(name: str, value: object, offered: tuple[object, ...]) -> None:
    if value in offered and not isinstance(value, bool):
        return
    known = ", ".join(str(one) for one in offered)
    raise _refusal(name, f"{name} is {quoted(value)}; it is one of {known}. Choose one of them.")


def _check_transfer(request: AllocationRequest) -> None:
    """Check the transfer that stands in place of a horizon."""
    given = [name for name in ("duration_s", "bytes") if getattr(request, name) is not None]
    if not given:
        return
    if len(given) > 1 or request.steps != 1:
        names = " and ".join(["steps", *given] if request.steps != 1 else given)
        raise _refusal(given[0], f"{names} are there; advice is for one of them. Drop the others.")
    try:
        TransferRequest(1 if request.bytes is None else request.bytes, request.duration_s)
    except InvalidRequest as error:
        raise _refusal(given[0], error.message.replace("deadline_s is", "duration_s is")) from None


def _check_limit(name: str, value: Any) -> None:
    most = _MOST[name.partition("_")[2]]
    whole = isinstance(most, int)
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if is_number and 0 < value <= most:
        return
    rule = f"a whole number from 1 to {most}" if whole else f"a number above 0, at most {most:.0e}"
    raise _refusal(name, f"{name} is {quoted(value)}; it is {rule}. Leave it out for the default.")


def _check_order(kind: str, low: float, high: float) -> None:
    if low <= high:
        return
    default = AllocationRequest.__dataclass_fields__[f"min_{kind}"].default
    raise _refusal(
        f"min_{kind}",
        f"min_{kind} is {low} and max_{kind} {high}; the least is at most the most. Lower "
        f"min_{kind} ({default} by default) or raise max_{kind}.",
    )


def _check_fields(body: object, known: tuple[str, ...]) -> None:
    if not isinstance(body, Mapping):
        raise InvalidRequest(
            f"allocation is {quoted(body)}; it is an object. Send {{}} for the defaults.",
            "allocation",
        )
    for name in body:
        if name not in known:
            listed = ", ".join(known)
            raise _refusal(name, f"{quoted(name)} is not a field here; they are {listed}. Drop it.")


def _refusal(name: object, message: str) -> InvalidRequest:
    return InvalidRequest(message, cut(f"allocation.{name}"))
