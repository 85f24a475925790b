"""Path and query parameters that several routes share."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field, PlainValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from pba.models import v1_features
from pba.types import NetworkMode, check_link_id
from pba.types.profile import PROFILES

from .examples import LINK_ID

__all__ = [
    "Advice",
    "AsOf",
    "Deadline",
    "DirtyRate",
    "EventKind",
    "EventNumber",
    "From",
    "Horizon",
    "Limit",
    "LinkCursor",
    "LinkFilter",
    "LinkId",
    "LinkOrder",
    "LinkSearch",
    "ModeFilter",
    "ModeName",
    "ModelName",
    "ModelVersion",
    "Record",
    "SeriesBins",
    "SeriesKeys",
    "SeriesStep",
    "Since",
    "Size",
    "To",
    "WithForecast",
    "time_span",
]

_LAST_S = 253_402_300_799.0  # the end of the year 9999
_DATETIME = TypeAdapter(datetime)


def _unix_seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = _unix_seconds_of_text(value)
    if not 0.0 <= seconds <= _LAST_S:  # not NaN either
        raise PydanticCustomError(
            "moment", "it lies between 1970 and 9999. Divide milliseconds by 1000"
        )
    return seconds


def _unix_seconds_of_text(value: Any) -> float:
    try:
        moment = _DATETIME.validate_python(value)
    except ValidationError:
        raise PydanticCustomError("moment", "it is Unix seconds, or RFC 3339 text") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_Moment = Annotated[
    float,
    PlainValidator(
        _unix_seconds,
        json_schema_input_type=Annotated[float, Field(ge=0, le=_LAST_S)] | datetime | None,
    ),
]
_MOMENT = "Unix seconds or RFC 3339."
_NAME: dict[str, Any] = {"minLength": 1, "maxLength": 200, "pattern": r"^[A-Za-z0-9._:@>-]+$"}

_CheckedName = Annotated[str, AfterValidator(check_link_id)]
LinkId = Annotated[
    _CheckedName,
    Path(
        description="The link's name, as it reports.",
        examples=[LINK_ID],
        json_schema_extra=_NAME,
    ),
]
LinkFilter = Annotated[
    _CheckedName | None, Query(description="Only of this link.", json_schema_extra=_NAME)
]
LinkCursor = Annotated[
    str,
    Query(
        pattern=r"^[A-Za-z0-9._:@>-]{0,220}$", description="The cursor of the page before this one."
    ),
]
LinkSearch = Annotated[
    str,
    Query(
        pattern=r"^[A-Za-z0-9._:@>-]{0,200}$",
        description="Only names that have this in them, whatever its case.",
    ),
]
LinkOrder = Annotated[
    Literal["name", "accuracy", "drift", "silent"],
    Query(
        description="accuracy: the worst first. drift: the largest open alarm first. silent: those "
        "first that have not reported for longest."
    ),
]
EventKind = Annotated[
    str | None, Query(pattern="^[a-z0-9_:]{1,100}$", description="Only of this kind.")
]
EventNumber = Annotated[
    int | None,
    Query(ge=0, le=(1 << 63) - 1, description="The cursor of the page before this one."),
]
AsOf = Annotated[
    Literal["newest"] | None,
    Query(description="newest: as if the newest sample were measured now, for replays."),
]
WithForecast = Annotated[
    bool, Query(description="Add each link's forecast from what is stored then.")
]
Advice = Annotated[bool, Query(description="Add allocation advice to forecasts.")]
ModeFilter = Annotated[
    str | None,
    Query(description="Only of this mode.", json_schema_extra={"enum": list(NetworkMode)}),
]
ModelName = Annotated[
    str,
    Path(
        description="The mode of the model, or v1.",
        json_schema_extra={"enum": [*PROFILES, v1_features.NAME]},
    ),
]
ModeName = Annotated[
    str,
    Path(description="The mode of the model.", json_schema_extra={"enum": list(PROFILES)}),
]
ModelVersion = Annotated[
    str, Path(description="The version that has to be loaded.", min_length=1, max_length=200)
]
Size = Annotated[
    int,
    Query(alias="bytes", ge=1, le=10**18, description="How much to move.", examples=[10**9]),
]
Deadline = Annotated[float | None, Query(gt=0, le=1e9, description="How many seconds it may take.")]
DirtyRate = Annotated[
    float | None,
    Query(ge=0, le=1e7, description="At what rate a machine that is migrated writes, Mbps."),
]
Record = Annotated[bool, Query(description="Record the answer, to be scored.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description="The most items of the answer.")]
SeriesKeys = Annotated[
    list[Literal["mode", "version", "arm", "source", "group"]] | None,
    Query(
        description="Keep these apart: a series for each combination; group alone: for the largest "
        "50 groups of links, and for all others.",
        examples=[["mode"]],
    ),
]
SeriesBins = Annotated[bool, Query(description="Add ten bins of confidence to each point.")]
SeriesStep = Annotated[
    int | None,
    Query(
        alias="step",
        ge=60,
        le=31 * 86_400,
        multiple_of=60,
        description="The seconds of a point, whole minutes; without it at most 300 points.",
    ),
]
Horizon = Annotated[
    Literal["1", "5", "15", "-5", "-15", "-60"],
    Query(description="Steps ahead; negative for the mean over so many."),
]
Since = Annotated[_Moment | None, Query(description=_MOMENT)]
From = Annotated[_Moment | None, Query(alias="from", description=_MOMENT)]
To = Annotated[_Moment | None, Query(alias="to", description=_MOMENT)]


def time_span(since: float | None, until: float | None) -> tuple[float, float]:
    """Return two times in Unix seconds; without limits, all of time."""
    return 0.0 if since is None else since, _LAST_S if until is None else until
