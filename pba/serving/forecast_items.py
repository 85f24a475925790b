"""The items of a request: each is a forecast, or the error in its place."""

from collections.abc import Sequence
from dataclasses import replace

from pba.errors import PBAError
from pba.forecasting import ForecastResult

__all__ = ["not_recorded", "single"]


def single(results: Sequence[ForecastResult | PBAError]) -> ForecastResult:
    """Return the only one of ``results``, or raise it."""
    (result,) = results
    if isinstance(result, PBAError):
        raise result
    return result


def not_recorded(result: ForecastResult | PBAError) -> ForecastResult | PBAError:
    """Return ``result`` with the reason ``not_recorded``, if it is one that would be recorded."""
    if isinstance(result, PBAError) or result.forecast.link_id is None:
        return result
    reasons = (*result.forecast.reasons, "not_recorded")
    return replace(result, forecast=replace(result.forecast, reasons=reasons))
