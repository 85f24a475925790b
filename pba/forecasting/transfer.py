"""How long a transfer takes, from the forecast of its link. Pure; see docs/transfers.md."""

from collections.abc import Sequence

import numpy as np

from pba.forecasting.transfer_request import TransferRequest
from pba.models.mean_rates import LEVELS, at_levels, mean_rates, probability_within
from pba.models.precopy import Migrations, local_lengths, migrate, migration_quantiles
from pba.models.rate_curves import RateCurves, rate_curves
from pba.types import QUANTILES, Floats, Forecast
from pba.types.transfer import PrecopyForecast, TransferForecast

__all__ = ["forecast_transfer"]

_MEGABITS_PER_BYTE = 8e-6
_ORDER = np.array(QUANTILES[::-1])
_SURE = 0.9


def forecast_transfer(forecast: Forecast, request: TransferRequest) -> TransferForecast:
    """Return how long ``request`` takes over the link of ``forecast``, if it begins now."""
    steps, quantiles_mbps = _known_means(forecast)
    step_s, size_mb = np.array([forecast.step_s]), request.bytes * _MEGABITS_PER_BYTE
    precopy = None
    if request.dirty_mbps is None:
        curves = rate_curves(steps, quantiles_mbps, step_s)
        duration_s = tuple(curves.time_s(np.array([[size_mb]]))[0, ::-1].tolist())
        in_time = _in_time(curves, size_mb, request.deadline_s)
    else:
        fine = at_levels(quantiles_mbps, LEVELS)
        lengths = local_lengths(rate_curves(steps, fine, step_s), fine[:, 0])
        runs = migrate(lengths, np.array([[size_mb]]), np.array([[request.dirty_mbps]]))
        duration_s, precopy = _migration(runs)
        in_time = _share_by(runs.time_s, request.deadline_s)
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


def _known_means(forecast: Forecast) -> tuple[Floats, Floats]:
    def rows(parts: Sequence[tuple[float, ...]]) -> Floats:
        return np.array(parts, dtype=float).reshape(1, len(parts), len(QUANTILES))

    return mean_rates(
        (
            [one.steps for one in forecast.horizons],
            rows([one.quantiles_mbps for one in forecast.horizons]),
        ),
        (
            [one.steps for one in forecast.intervals],
            rows([one.quantiles_mbps for one in forecast.intervals]),
        ),
    )


def _in_time(curves: RateCurves, size_mb: float, deadline_s: float | None) -> float | None:
    if deadline_s is None:
        return None
    carried_mb = curves.megabits(np.array([deadline_s]))
    return float(probability_within(carried_mb, np.array([size_mb]))[0])


def _share_by(time_s: Floats, deadline_s: float | None) -> float | None:
    return None if deadline_s is None else float(np.mean(time_s <= deadline_s))


def _migration(runs: Migrations) -> tuple[tuple[float, ...], PrecopyForecast]:
    duration_s = tuple(migration_quantiles(runs.time_s)[0].tolist())
    converges = runs.converges[0]
    if not converges.any():
        return duration_s, PrecopyForecast(0.0, None, None)
    downtime_s = migration_quantiles(runs.downtime_s, finite_only=True)[0]
    rounds = int(np.median(runs.rounds[0, converges]))
    share = float(converges.mean())
    return duration_s, PrecopyForecast(share, rounds, tuple(downtime_s.tolist()))


def _advice(
    duration_s: tuple[float, ...], in_time: float | None, precopy: PrecopyForecast | None
) -> str:
    """Return whether to start, by the probability that all goes as wanted."""
    chances = [] if in_time is None else [in_time]
    if precopy is not None:
        chances.append(precopy.probability_converges)
    if not chances:
        ends = np.isfinite(duration_s)
        chances.append(float(_ORDER[::-1][ends].max(initial=0.0)))
    if min(chances) >= _SURE:
        return "start"
    return "wait" if min(chances) <= 1.0 - _SURE else "uncertain"


def _reasons(forecast: Forecast, duration_s: tuple[float, ...], longest: float) -> list[str]:
    codes = [] if forecast.intervals else ["no_intervals"]
    beyond = duration_s[QUANTILES.index(0.9)] > longest * forecast.step_s
    return [*codes, "beyond_intervals"] if beyond else codes
