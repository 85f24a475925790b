"""The chart of `pba watch`, character by character."""

from datetime import UTC, datetime

import pytest

from pba.cli.watch_chart import draw_chart
from pba.types import HORIZONS, Forecast, HorizonForecast, NetworkMode

NOON = datetime(2026, 3, 1, tzinfo=UTC)


def forecast(mbps: float, spread: float) -> Forecast:
    quantiles = tuple(mbps + spread * share for share in (-3, -2, -1, 0, 1, 2, 3))
    return Forecast(
        link_id="a",
        mode=NetworkMode.INTERNET,
        source="model",
        model_version="m",
        made_at=NOON,
        newest_sample_at=NOON,
        age_s=0.0,
        valid_until=NOON,
        step_s=1.0,
        horizons=tuple(HorizonForecast(steps, mbps, 0.8, quantiles) for steps in HORIZONS),
        latency_ms=None,
        packet_loss=None,
        jitter_ms=None,
        members=(),
        reasons=(),
    )


def lines(chart: object) -> list[str]:
    return [line.rstrip() for line in str(chart).splitlines()]


def test_samples_are_points_and_the_forecast_is_a_fan():
    assert lines(draw_chart([15.0, 65.0], forecast(45.0, 10.0), 26, 8)) == [
        "     80 │  ░░░░░░░░░░░░░░░",
        "     70 │ ●░░░░░░░░░░░░░░░",
        "     60 │  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓",
        "     50 │  ━━━━━━━━━━━━━━━",
        "     40 │  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓",
        "     30 │  ░░░░░░░░░░░░░░░",
        "     20 │● ░░░░░░░░░░░░░░░",
        "     10 │",
        "   Mbps └──┴──────────────",
    ]


@pytest.mark.parametrize(("width", "past"), [(26, 2), (40, 16), (5, 1)])
def test_the_newest_samples_that_fit_are_drawn(width: int, past: int):
    chart = lines(draw_chart([10.0] * 30, forecast(10.0, 0.0), width, 3))
    assert sum(line.count("●") for line in chart) == past


def test_an_outage_is_drawn_at_the_bottom():
    chart = lines(draw_chart([0.0], forecast(0.0, 0.0), 26, 3))
    assert chart[2].endswith("●" + "━" * 15)
    assert "0.001" in chart[0]
