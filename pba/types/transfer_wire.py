"""The wire form of a transfer's forecast, described once, as `pba.types.wire` does of a link's."""

from datetime import datetime

from pydantic import BaseModel, Field

__all__ = ["PrecopyDocument", "TransferDocument"]


class PrecopyDocument(BaseModel):
    """How a live migration goes while its machine writes on."""

    probability_converges: float = Field(
        description="the probability that the machine can stop for at most 0.3 s in the end"
    )
    rounds: int | None = Field(
        description="how often memory is copied, in the median; null if it never converges"
    )
    downtime_s: dict[str, float | None] | None = Field(
        description="seconds without the machine by level; null if it never converges"
    )


class TransferDocument(BaseModel):
    """How long a transfer over one link takes."""

    link_id: str | None
    mode: str = Field(description="datacenter, internet or hybrid")
    source: str = Field(description="of the forecast: model, ensemble, expert or heuristic")
    model_version: str | None
    made_at: datetime
    newest_sample_at: datetime = Field(description="the time of the newest sample")
    step_s: float = Field(description="typical time between samples of the window, seconds")
    bytes: int
    deadline_s: float | None
    dirty_mbps: float | None
    duration_s: dict[str, float | None] = Field(
        description="seconds by level, 0.05 to 0.95; null where it does not end. With dirty_mbps "
        "of the whole migration, its downtime included"
    )
    probability_in_time: float | None = Field(
        description="the probability that it ends by the deadline; null without one"
    )
    precopy: PrecopyDocument | None = Field(description="null without dirty_mbps")
    advice: str = Field(description="start, wait or uncertain")
    reasons: list[str] = Field(description="reason codes; see docs/transfers.md")
