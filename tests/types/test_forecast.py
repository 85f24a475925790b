"""A forecast and its wire form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pba.types import (
    HORIZONS,
    INTERVALS,
    QUANTILES,
    Forecast,
    HorizonForecast,
    IntervalForecast,
    Member,
    NetworkMode,
)


def forecast(**changes: object) -> Forecast:
    quantiles = tuple(float(level) for level in range(len(QUANTILES)))
    made_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    fields = {
        "link_id": "a:b",
        "mode": NetworkMode.INTERNET,
        "source": "ensemble",
        "model_version": "x+y",
        "made_at": made_at,
        "newest_sample_at": made_at - timedelta(seconds=0.5),
        "age_s": 0.5,
        "valid_until": made_at + timedelta(seconds=1.5),
        "step_s": 1.5,
        "horizons": tuple(HorizonForecast(h, 10.0 * h, 0.5, quantiles) for h in HORIZONS),
        "latency_ms": 4.0,
        "packet_loss": None,
        "jitter_ms": 0.5,
        "members": (Member("x", 0.25, 9.0, 0.5), Member("y", 0.75, 11.0, 0.6)),
        "reasons": ("irregular_window",),
        "intervals": tuple(IntervalForecast(k, 9.0 * k, 0.6, quantiles) for k in INTERVALS),
    }
    return Forecast(**(fields | changes))  # type: ignore[arg-type]


def test_point_and_confidence_are_those_of_the_next_step():
    assert (forecast().bandwidth_mbps, forecast().confidence) == (10.0, 0.5)


@pytest.mark.parametrize("changes", [{}, {"link_id": None, "model_version": None, "reasons": ()}])
def test_a_forecast_is_restored_from_its_wire_form(changes):
    original = forecast(**changes)
    assert Forecast.from_dict(original.as_dict()) == original


def test_the_wire_form_of_a_forecast_is_the_documented_one():
    body = forecast().as_dict()
    assert set(body) == {
        *("link_id", "mode", "source", "model_version", "made_at", "valid_until", "step_s"),
        *("newest_sample_at", "age_s"),
        *("bandwidth_mbps", "confidence", "horizons", "latency_ms", "packet_loss", "jitter_ms"),
        "intervals",
        *("members", "reasons"),
    }
    assert body["made_at"] == "2026-03-01T12:00:00Z"
    assert body["valid_until"] == "2026-03-01T12:00:01.500000Z"
    assert set(body["horizons"][0]) == {"steps", "bandwidth_mbps", "confidence", "quantiles"}
    assert set(body["horizons"][0]["quantiles"]) == {
        *("0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95")
    }
    assert set(body["intervals"][0]) == {"steps", "mean_mbps", "confidence", "quantiles"}
    assert body["intervals"][0]["quantiles"].keys() == body["horizons"][0]["quantiles"].keys()
    assert set(body["members"][0]) == {"name", "weight", "bandwidth_mbps", "confidence"}


def test_a_time_in_another_zone_is_written_in_utc():
    made_at = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert forecast(made_at=made_at).as_dict()["made_at"] == "2026-02-28T23:00:00Z"
