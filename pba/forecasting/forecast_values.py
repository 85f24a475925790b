"""The values of a forecast: of one member, or of the mixture of several."""

from collections.abc import Sequence
from typing import NamedTuple

from pba.forecasting.calibration import Reliability
from pba.forecasting.ensemble import MemberDistribution, confidence_weights, mixture
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.members import MemberForecast, decode_one
from pba.forecasting.stretch import Stretch
from pba.models.distribution import DecodedForecast
from pba.types import HORIZONS, INTERVALS, HorizonForecast, IntervalForecast

__all__ = [
    "ForecastValues",
    "decoded_values",
    "horizons_of",
    "intervals_of",
    "pooled",
    "values_of",
    "weights_of",
]

_HORIZONS = len(HORIZONS)


class ForecastValues(NamedTuple):
    """Points, confidences and quantiles, one for each of some horizons and intervals."""

    points_mbps: tuple[float, ...] = ()
    confidence: tuple[float, ...] = ()
    quantiles_mbps: tuple[tuple[float, ...], ...] = ()

    @property
    def horizons(self) -> "ForecastValues":
        """Those of the horizons."""
        return self._part(slice(_HORIZONS))

    @property
    def intervals(self) -> "ForecastValues":
        """Those of the intervals."""
        return self._part(slice(_HORIZONS, None))

    def _part(self, part: slice) -> "ForecastValues":
        points_mbps, confidence, quantiles_mbps = self
        return ForecastValues(points_mbps[part], confidence[part], quantiles_mbps[part])


def weights_of(members: Sequence[MemberForecast]) -> tuple[float, ...]:
    """Return the weight of each member, in proportion to its confidence one step ahead."""
    if len(members) == 1:
        return (1.0,)
    return confidence_weights([member.confidence for member in members])


def values_of(members: Sequence[MemberForecast], weights: tuple[float, ...]) -> ForecastValues:
    """Return points, confidences and quantiles of one member, or of the mixture of several."""
    if len(members) == 1:
        return decoded_values(members[0].decoded, members[0].row)
    return decoded_values(decode_one(pooled(members, weights)))


def pooled(members: Sequence[MemberForecast], weights: tuple[float, ...]) -> MemberDistribution:
    """Return the distributions of one member, or the mixture of several."""
    if len(members) == 1:
        return members[0].distribution
    return mixture([member.distribution for member in members], weights)


def decoded_values(decoded: DecodedForecast, row: int = 0) -> ForecastValues:
    """Return one row of ``decoded``."""
    points, confidences, quantiles = decoded
    return ForecastValues(
        tuple(points[row].tolist()),
        tuple(confidences[row].tolist()),
        tuple(map(tuple, quantiles[row].tolist())),
    )


def horizons_of(values: ForecastValues, record: LinkRecord | None) -> tuple[HorizonForecast, ...]:
    """Return the horizons of a forecast as the link's record adapts them."""
    points, confidences, quantiles = values
    if record is not None:
        confidences = _adapted(confidences, record.reliability[:_HORIZONS])
        quantiles = _stretched(quantiles, record.stretch[:_HORIZONS])
    return tuple(map(HorizonForecast, HORIZONS, points, confidences, quantiles))


def intervals_of(values: ForecastValues, record: LinkRecord | None) -> tuple[IntervalForecast, ...]:
    """Return the intervals of a forecast as the link's record adapts them."""
    points, confidences, quantiles = values
    if record is not None:
        confidences = _adapted(confidences, record.reliability[_HORIZONS:])
        quantiles = _stretched(quantiles, record.stretch[_HORIZONS:])
    return tuple(map(IntervalForecast, INTERVALS, points, confidences, quantiles))


def _adapted(confidences: Sequence[float], reliability: Sequence[Reliability]) -> tuple[float, ...]:
    pairs = zip(reliability, confidences, strict=False)
    return tuple([one.adapt(confidence) for one, confidence in pairs])


def _stretched(
    quantiles_mbps: Sequence[tuple[float, ...]], stretch: Sequence[Stretch]
) -> tuple[tuple[float, ...], ...]:
    return tuple([one.apply(own) for one, own in zip(stretch, quantiles_mbps, strict=False)])
