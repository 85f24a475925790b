"""A link's past as JSON has it."""

from typing import Any

from pba.types import COLUMNS, History, rfc3339_of

__all__ = ["history_document"]


def history_document(samples: History, forecasts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the wire form of a link's past."""
    rows = zip(samples.timestamps_s.tolist(), samples.telemetry.tolist(), strict=True)
    return {
        "samples": [{"timestamp": rfc3339_of(at_s)} | _measured(row) for at_s, row in rows],
        "forecasts": [
            {
                "after": rfc3339_of(forecast.pop("after_s")),
                "made_at": rfc3339_of(forecast.pop("made_at_s")),
                **forecast,
            }
            for forecast in forecasts
        ],
    }


def _measured(row: list[float]) -> dict[str, float | None]:
    """Return a sample's values, None where not measured."""
    pairs = zip(COLUMNS, row, strict=True)
    return {name: None if value != value else value for name, value in pairs}
