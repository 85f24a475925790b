"""How long a transfer takes, from the forecast of its link. Pure; see docs/transfers.md."""

from collections.abc import Iterator, Sequence

import numpy as np

from pba.forecasting.carried import MEGABITS_PER_BYTE, column, forecast_means
from pba.forecasting.transfer_request import TransferRequest
from pba.models.mean_rates import LEVELS, at_levels, probability_within
from pba.models.precopy import SURE, local_lengths, migrate, migration_quantiles
from pba.models.rate_curves import rate_curves
from pba.types import QUANTILES, Floats, Forecast
from pba.types.transfer import PrecopyForecast, TransferForecast

__all__ = ["forecast_transfer", "forecast_transfers"]

_ORDER = np.array(QUANTILES[::-1])


def forecast_transfer(forecast: Forecast, request: TransferRequest) -> TransferForecast:
    """Return how long ``request`` takes over the link of ``forecast``, if it begins now."""
    (answer,) = forecast_transfers([forecast], [request])
    return answer


def forecast_transfers(
    forecasts: Sequence[Forecast], requests: Sequence[TransferRequest]
) -> list[TransferForecast]:
    """Return the answer to each request, over the link of the forecast beside it."""
    alike: dict[tuple[int, bool], list[int]] = {}
    for index, (forecast, request) in enumerate(zip(forecasts, requests, strict=True)):
        kind = len(forecast.intervals), request.dirty_mbps is None
        alike.setdefault(kind, []).append(index)
    answers: dict[int, TransferForecast] = {}
    for (_, is_plain), places in alike.items():
        answer = _transfers if is_plain else _migrations
        rows = answer([forecasts[one] for one in places], [requests[one] for one in places])
        answers |= dict(zip(places, rows, strict=True))
    return [answers[index] for index in range(len(forecasts))]


def _transfers(
    forecasts: Sequence[Forecast], requests: Sequence[TransferRequest]
) -> Iterator[TransferForecast]:
    steps, quantiles_mbps = forecast_means(forecasts)
    curves = rate_curves(steps, quantiles_mbps, column([one.step_s for one in forecasts]))
    size_mb = _sizes(requests)
    duration_s = curves.time_s(size_mb[:, None])[:, ::-1]
    deadline_s = column([one.deadline_s or 0.0 for one in requests])
    in_time = probability_within(curves.megabits(deadline_s), size_mb)
    for row, (forecast, request) in enumerate(zip(forecasts, requests, strict=True)):
        chance = None if request.deadline_s is None else float(in_time[row])
        yield _answer(forecast, request, steps, tuple(duration_s[row].tolist()), chance)


def _migrations(
    forecasts: Sequence[Forecast], requests: Sequence[TransferRequest]
) -> Iterator[TransferForecast]:
    steps, quantiles_mbps = forecast_means(forecasts)
    fine = at_levels(quantiles_mbps, LEVELS)
    curves = rate_curves(steps, fine, column([one.step_s for one in forecasts]))
    dirty_mbps = column([one.dirty_mbps or 0.0 for one in requests])
    lengths = local_lengths(curves.step_s, fine[:, 0])
    runs = migrate(curves.time_s, _sizes(requests)[:, None], dirty_mbps[:, None], lengths)
    duration_s = migration_quantiles(runs.time_s)
    downtime_s = migration_quantiles(runs.downtime_s, finite_only=True)
    for row, (forecast, request) in enumerate(zip(forecasts, requests, strict=True)):
        chance = None
        if request.deadline_s is not None:
            chance = float(np.mean(runs.time_s[row] <= request.deadline_s))
        precopy = _precopy(runs.converges[row], runs.rounds[row], downtime_s[row])
        yield _answer(forecast, request, steps, tuple(duration_s[row].tolist()), chance, precopy)


def _answer(
    forecast: Forecast,
    request: TransferRequest,
    steps: Floats,
    duration_s: tuple[float, ...],
    in_time: float | None,
    precopy: PrecopyForecast | None = None,
) -> TransferForecast:
    return TransferForecast(
        link_id=forecast.link_id,
        mode=forecast.mode,
        source=forecast.source,
        model_version=forecast.model_version,
        made_at=forecast.made_at,
        newest_sample_at=forecast.newest_sample_at,
        step_s=forecast.step_s,
        bytes=request.bytes,
        deadline_s=request.deadline_s,
        dirty_mbps=request.dirty_mbps,
        duration_s=duration_s,
        probability_in_time=in_time,
        precopy=precopy,
        advice=_advice(duration_s, in_time, precopy),
        reasons=(*forecast.reasons, *_reasons(forecast, duration_s, float(steps[-1]))),
    )


def _sizes(requests: Sequence[TransferRequest]) -> Floats:
    return column([request.bytes * MEGABITS_PER_BYTE for request in requests])


def _precopy(converges: np.ndarray, rounds: np.ndarray, downtime_s: Floats) -> PrecopyForecast:
    if not converges.any():
        return PrecopyForecast(0.0, None, None)
    median = int(np.median(rounds[converges]))
    return PrecopyForecast(float(converges.mean()), median, tuple(downtime_s.tolist()))


def _advice(
    duration_s: tuple[float, ...], in_time: float | None, precopy: PrecopyForecast | None
) -> str:
    """Return whether to start, by the probability that it ends in time and converges."""
    chances = [] if in_time is None else [in_time]
    if precopy is not None:
        chances.append(precopy.probability_converges)
    if not chances:
        ends = np.isfinite(duration_s)
        chances.append(float(_ORDER[::-1][ends].max(initial=0.0)))
    if min(chances) >= SURE:
        return "start"
    return "wait" if min(chances) <= 1.0 - SURE else "uncertain"


def _reasons(forecast: Forecast, duration_s: tuple[float, ...], longest: float) -> list[str]:
    codes = [] if forecast.intervals else ["no_intervals"]
    beyond = duration_s[QUANTILES.index(0.9)] > longest * forecast.step_s
    return [*codes, "beyond_intervals"] if beyond else codes
