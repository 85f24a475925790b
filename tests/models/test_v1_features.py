"""v1's features: the measured values, and hour and weekday in UTC."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.models.v1_features import COLUMNS, features
from pba.types import COLUMNS as TELEMETRY


def test_hour_and_weekday_are_those_of_the_calendar():
    @given(st.datetimes(dt.datetime(1971, 1, 2), dt.datetime(9000, 1, 1)))
    def check(moment: dt.datetime) -> None:
        moment = moment.replace(tzinfo=dt.UTC, microsecond=0)
        ((hour, weekday),) = features(np.array([moment.timestamp()]), np.ones((1, 5)))[:, 4:]
        assert (hour, weekday) == (moment.hour, moment.weekday())

    check()


def test_the_four_metrics_keep_their_order_and_missing_ones_stay_missing(rng):
    telemetry = rng.uniform(1, 100, (12, 5))
    telemetry[3, 1] = telemetry[4, 3] = np.nan
    rows = features(np.arange(12.0) + 1.7e9, telemetry)
    assert COLUMNS[:4] == TELEMETRY[:4]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, :4], telemetry[:, :4].astype(np.float32))


@pytest.mark.parametrize("start", [0.0, 86_400.0])
def test_a_trace_that_counts_from_its_start_has_no_hour(start):
    rows = features(start + np.arange(10.0), np.ones((10, 5)))
    assert np.isnan(rows[:, 4:]).all()
    assert not np.isnan(rows[:, :4]).any()


def test_windows_of_a_batch_are_independent(rng):
    times = np.sort(rng.uniform(1.6e9, 1.7e9, (7, 10)), axis=1)
    telemetry = rng.uniform(1, 100, (7, 10, 5))
    together = features(times, telemetry)
    assert together.shape == (7, 10, len(COLUMNS))
    for row in range(7):
        np.testing.assert_array_equal(together[row], features(times[row], telemetry[row]))
