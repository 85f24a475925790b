"""From when to when a series of metrics lasts, and how long its points are."""

from dataclasses import dataclass

from pba.errors import InvalidInput
from pba.scoring.latency_sums import MINUTE_US
from pba.store.report_tables import HOUR_US

__all__ = ["SeriesSpan"]

_MOST_POINTS = 2000
_STEPS_S = (60, 300, 900, 3600, 6 * 3600, 86_400)
_USUAL_POINTS = 300
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class SeriesSpan:
    """From when to when, in points of how many seconds."""

    from_s: float
    to_s: float
    step_s: int

    @classmethod
    def of(
        cls, now_s: float, from_s: float | None, to_s: float | None, step_s: int | None
    ) -> "SeriesSpan":
        """Return a span; by default of the last day, in at most 300 points.

        Raises
        ------
        InvalidInput
            If it is empty, has over 2000 points, or points that are not whole minutes.
        """
        end_s = now_s if to_s is None else to_s
        start_s = end_s - _DAY_S if from_s is None else from_s
        if start_s >= end_s:
            raise InvalidInput(f"from is {start_s:g} and to {end_s:g}; from is earlier.", "from")
        if step_s is None:
            fitting = (one for one in _STEPS_S if (end_s - start_s) / one <= _USUAL_POINTS)
            step_s = next(fitting, _STEPS_S[-1])
        if step_s < 60 or step_s % 60:
            raise InvalidInput(f"step is {step_s}; it is whole minutes, in seconds.", "step")
        if (end_s - start_s) / step_s > _MOST_POINTS:
            raise InvalidInput(
                f"step is {step_s}; the span has over {_MOST_POINTS} of them. Make it longer.",
                "step",
            )
        return cls(start_s, end_s, step_s)

    @property
    def step_us(self) -> int:
        """The length of a point, microseconds."""
        return self.step_s * 1_000_000

    @property
    def by_hour(self) -> bool:
        """Whether sums by the hour suffice."""
        return self.step_us % HOUR_US == 0

    @property
    def from_us(self) -> int:
        """The start of the minute in which the span begins, or of the hour, microseconds."""
        whole = HOUR_US if self.by_hour else MINUTE_US
        return int(self.from_s * 1e6) // whole * whole

    @property
    def to_us(self) -> int:
        """The end of the span, microseconds."""
        return int(self.to_s * 1e6)
