"""A request for one forecast, and the plan that it leads to. Values only."""

from dataclasses import dataclass

from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.types import History, NetworkMode

__all__ = ["ForecastPlan", "Query"]


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request for a forecast.

    Parameters
    ----------
    history
        At least two samples; the newest ones fill the window.
    mode
        None if the mode is to be detected.
    link_id
        The name of the link, None if the history belongs to no named link.
    record
        The link's record of hits, None if there is none.
    allocation
        The limits for allocation advice, None if no advice is requested.
    arm
        The arm that forecasts, None if the flags decide.
    as_of_newest
        Whether to forecast as of the newest sample, whatever its age: for replays of old data.
    ignored_values
        Whether optional values of the history are missing because they were out of range.
    """

    history: History
    mode: NetworkMode | None = None
    link_id: str | None = None
    record: LinkRecord | None = None
    allocation: AllocationRequest | None = None
    arm: Arm | None = None
    as_of_newest: bool = False
    ignored_values: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ForecastPlan:
    """A query after planning.

    Parameters
    ----------
    query
        The query itself.
    window
        The samples that the forecast rests on: the newest since the last gap, without outliers.
    step_s
        The typical time between samples of the window, seconds.
    mode
        The mode that the forecast is in.
    arm
        The arm that forecasts.
    record
        The link's record, None if there is none or the arm does not adapt to links.
    models
        The names of the models to call; empty if the window is too short for them.
    reasons
        Reason codes for the caller, so far.
    usual_mbps
        The highest rate to advise, None if nothing limits it: the 90th percentile of the window if
        its newest sample is unlike the others.
    without_newest
        The window as if the newest bandwidth were an outlier, None if it is not that high.
    step_weight
        The probability that the newest sample is no outlier.
    """

    query: Query
    window: History
    step_s: float
    mode: NetworkMode
    arm: Arm
    record: LinkRecord | None
    models: tuple[str, ...]
    reasons: tuple[str, ...]
    usual_mbps: float | None = None
    without_newest: History | None = None
    step_weight: float = 1.0

    @property
    def readings(self) -> tuple[History, ...]:
        """The window and, if it is not None, the window without its newest bandwidth."""
        return (self.window,) if self.without_newest is None else (self.window, self.without_newest)
