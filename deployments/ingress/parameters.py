"""Path and query parameters that several routes share."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query

from .examples import LINK_ID

__all__ = ["From", "Limit", "LinkId", "Since", "To", "time_span"]

_MOMENT = "Unix seconds or RFC 3339."
_LAST_S = 253_402_300_799.0  # the end of the year 9999

LinkId = Annotated[str, Path(description="The link's name, as it reports.", examples=[LINK_ID])]
Limit = Annotated[int, Query(ge=1, le=10_000, description="The most items of the answer.")]
Since = Annotated[datetime | float | None, Query(description=_MOMENT)]
From = Annotated[datetime | float | None, Query(alias="from", description=_MOMENT)]
To = Annotated[datetime | float | None, Query(alias="to", description=_MOMENT)]


def time_span(
    since: datetime | float | None, until: datetime | float | None
) -> tuple[float, float]:
    """Return two times in Unix seconds; without limits, all of time."""
    return _seconds(since, 0.0), _seconds(until, _LAST_S)


def _seconds(moment: datetime | float | None, default: float) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return default if moment is None else moment
