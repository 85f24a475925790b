"""A link's past as JSON has it."""

from typing import Any

from pba.types import COLUMNS, History, rfc3339_of

__all__ = ["history_document"]


def history_document(samples: History, forecasts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the wire form of a link's past."""
    marks = samples.during_transfer
    during = [False] * len(samples) if marks is None else marks.tolist()
    rows = zip(samples.timestamps_s.tolist(), samples.telemetry.tolist(), during, strict=True)
    return {
        "samples": [_sample(*row) for row in rows],
        "forecasts": [
            {
                "after": rfc3339_of(forecast.pop("after_s")),
                "made_at": rfc3339_of(forecast.pop("made_at_s")),
                **forecast,
            }
            for forecast in forecasts
        ],
    }


def _sample(at_s: float, values: list[float], during_transfer: bool) -> dict[str, Any]:
    """Return the wire form of a sample: None where not measured, and the mark where it is set."""
    pairs = zip(COLUMNS, values, strict=True)
    measured = {name: None if value != value else value for name, value in pairs}
    mark = {"during_transfer": True} if during_transfer else {}
    return {"timestamp": rfc3339_of(at_s), **measured, **mark}
