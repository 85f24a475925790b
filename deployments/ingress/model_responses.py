"""The responses about models, for OpenAPI; `response_models` has those about forecasts."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

__all__ = ["ModelsResponse", "PointerResponse", "RetrainingResponse", "VersionsResponse"]


class ServingModel(BaseModel):
    """The model that serves a mode, or why it cannot be described."""

    mode: str | None = None
    version: str | None = None
    sha256: str | None = None
    window: int | None = None
    horizons: list[int] | None = None
    intervals: list[int] | None = Field(None, description="absent from 3.0.0")
    bins: int | None = Field(None, description="of each distribution; absent from 3.0.0")
    metrics: dict[str, Any] | None = None
    champion: int | None = Field(None, description="number of the champion pointer it follows")
    refused: str | None = Field(None, description="why the newest champion is not served")
    registry_away: str | None = Field(None, description="why the registry cannot be read")
    asleep: bool | None = Field(None, description="v1 only: it has no replica now")
    error: str | None = Field(None, description="why it does not answer")


class ModelsResponse(BaseModel):
    """What serves each mode, and v1."""

    models: dict[str, ServingModel]


class PointerResponse(BaseModel):
    """Which version is the champion since when, and why."""

    number: int = Field(description="its place among the model's champions; 0 for none yet")
    version: str = Field(description="a published version, or shipped")
    action: str = Field(description="promoted or rolled_back; none for number 0; or unreadable")
    back: int | None = Field(description="the number that a rollback returns to")
    at: datetime | None
    who: str
    why: str


class RetrainingResponse(BaseModel):
    """A retraining that was submitted; the event `retrained` says how it ended."""

    model: str
    job: str = Field(description="its id on the cluster that trains")


class PublishedVersion(BaseModel):
    """A published version, or why it is refused."""

    version: str
    at: datetime | None = None
    who: str | None = None
    refused: str | None = None


class VersionsResponse(BaseModel):
    """A model's versions, its champion and its former champions."""

    model: str
    champion: PointerResponse
    versions: list[PublishedVersion]
    history: list[PointerResponse]
