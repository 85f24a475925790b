"""Candidates that are served see what they see in the service: windows without outliers."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pba.evaluation.candidates import as_candidate, control_candidate, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.mean import Mean
from pba.telemetry.traces import Trace
from pba.types import Floats

SPIKE_MBPS, RATE_MBPS = 90_000.0, 80.0


def spiky(count: int = 40, place: int = 32) -> Trace:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = RATE_MBPS
    telemetry[place, 0] = SPIKE_MBPS
    return Trace("spiky", "test", np.arange(1.0, count + 1), telemetry)


POINTS = EvaluationPoints.of([spiky()], 30)


def points_mbps(forecasts: Floats) -> Floats:
    """Return the points one step ahead where the spike is in the window and not the newest."""
    return forecasts[4:, 0]


def test_a_served_candidate_does_not_see_an_outlier():
    raw = walk_forward(as_candidate(Mean()), POINTS)
    served = walk_forward(served_candidate(Mean(), "mean"), POINTS)
    assert points_mbps(raw.bandwidth_mbps).max() > 2 * RATE_MBPS
    np.testing.assert_allclose(points_mbps(served.bandwidth_mbps), RATE_MBPS, rtol=0.02)


def test_actuals_are_as_they_were_measured():
    assert POINTS.actual_mbps[:, 0].max() == SPIKE_MBPS


def test_forecasts_cached_from_raw_windows_are_not_used(tmp_path: Path):
    cache = tmp_path / "mean.npz"
    raw = as_candidate(Mean(), "mean", "sha")
    served = served_candidate(Mean(), "mean", "sha")
    assert served.name == raw.name
    walk_forward(raw, POINTS, cache)
    forecasts = walk_forward(served, POINTS, cache)
    np.testing.assert_allclose(points_mbps(forecasts.bandwidth_mbps), RATE_MBPS, rtol=0.02)


class DatedMean(Mean):
    """Checks that it sees the date, and no outlier but a newest one."""

    def predict(self, telemetry: Floats) -> Prediction:
        assert telemetry.shape[2] == len(v1_features.COLUMNS)
        assert (telemetry[:, :, 4] == 12.0).all(), "hours"
        assert (telemetry[:, :-1, 0] == RATE_MBPS).all()
        return super().predict(telemetry[:, :, :5])


def test_v1_does_not_see_an_outlier_either_and_keeps_the_date():
    noon = replace(spiky(), timestamps_s=1_772_452_800.0 + np.arange(40.0))
    v1 = control_candidate(DatedMean(), "1")
    assert v1.view is not None
    seen = EvaluationPoints.of([v1.view(noon)], 30)
    forecasts = walk_forward(v1, seen)
    np.testing.assert_allclose(points_mbps(forecasts.bandwidth_mbps), RATE_MBPS, rtol=0.02)
