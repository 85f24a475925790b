"""Samples, histories and forecasts refuse what is wrong and say where it is."""

import math
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba import types
from pba.errors import InvalidHistory, InvalidInput, InvalidMode, InvalidSample
from pba.types import (
    COLUMNS,
    HORIZONS,
    LIMITS,
    QUANTILES,
    Forecast,
    History,
    HorizonForecast,
    Member,
    NetworkMetrics,
    NetworkMode,
    check_link_id,
    parse_mode,
    rfc3339,
)


def samples(count: int) -> list[NetworkMetrics]:
    return [NetworkMetrics(100.0 + i, 10.0 * i, 5.0, 0.01, 1.0, 9.0) for i in range(count)]


def forecast(**changes: object) -> Forecast:
    quantiles = tuple(float(level) for level in range(len(QUANTILES)))
    made_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    parts = {
        "link_id": "a:b",
        "mode": NetworkMode.INTERNET,
        "source": "ensemble",
        "model_version": "x+y",
        "made_at": made_at,
        "valid_until": made_at + timedelta(seconds=1.5),
        "step_s": 1.5,
        "horizons": tuple(HorizonForecast(h, 10.0 * h, 0.5, quantiles) for h in HORIZONS),
        "latency_ms": 4.0,
        "packet_loss": None,
        "jitter_ms": 0.5,
        "members": (Member("x", 0.25, 9.0, 0.5), Member("y", 0.75, 11.0, 0.6)),
        "reasons": ("irregular_window",),
    }
    return Forecast(**(parts | changes))  # type: ignore[arg-type]


def test_the_public_names_are_those_listed():
    assert all(hasattr(types, name) for name in types.__all__)
    assert set(LIMITS) == set(COLUMNS)


@pytest.mark.parametrize("name", ["internet", "INTERNET", "Internet", NetworkMode.INTERNET])
def test_a_mode_is_found_in_any_case(name):
    assert parse_mode(name) is NetworkMode.INTERNET


@pytest.mark.parametrize("name", ["", "wan", "internet ", None, 3, True])
def test_an_unknown_mode_is_refused_and_the_known_ones_named(name):
    with pytest.raises(InvalidMode, match="datacenter, internet, hybrid") as caught:
        parse_mode(name)
    assert caught.value.field == "mode"


@pytest.mark.parametrize("link_id", ["a", "fra1:ams2", "a->b", "x" * 200, "A.b_c@d-9"])
def test_a_good_link_id_is_kept(link_id):
    assert check_link_id(link_id) == link_id


@pytest.mark.parametrize("link_id", ["", "x" * 201, "a/b", "a b", "a\n", "é", "a%2F", "\0"])
def test_a_bad_link_id_is_refused(link_id):
    with pytest.raises(InvalidInput, match="link_id"):
        check_link_id(link_id)


def test_a_moment_in_another_zone_is_told_in_utc():
    moment = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-02-28T23:00:00Z"


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))
def test_rfc3339_can_be_read_back(moment):
    assert datetime.fromisoformat(rfc3339(moment)) == moment


@pytest.mark.parametrize(
    "timestamp",
    [
        1_772_366_400,
        1_772_366_400.0,
        datetime(2026, 3, 1, 12),
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_timestamp_is_seconds_or_a_datetime_and_naive_means_utc(timestamp):
    assert NetworkMetrics(timestamp, 1.0).timestamp_s == 1_772_366_400.0


def test_a_sample_lists_its_values_in_the_order_of_the_columns():
    sample = NetworkMetrics(0.0, *range(1, 6))
    assert dict(zip(COLUMNS, sample.values, strict=True)) == {
        name: getattr(sample, name) for name in COLUMNS
    }


def test_what_a_sample_leaves_out_was_not_measured():
    assert np.isnan(NetworkMetrics(0.0, 1.0).values[1:]).all()


def test_a_sample_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        NetworkMetrics(0.0, 1.0).bandwidth_mbps = 2.0  # type: ignore[misc]


def test_a_history_holds_samples_in_order():
    history = History.of(samples(4))
    assert len(history) == 4
    assert history.timestamps_s.tolist() == [100.0, 101.0, 102.0, 103.0]
    assert history.telemetry[2].tolist() == [20.0, 5.0, 0.01, 1.0, 9.0]


def test_no_samples_make_an_empty_history():
    assert History.of([]).telemetry.shape == (0, 5)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_the_first_and_last_samples_are_slices_of_the_list(count):
    history, times = History.of(samples(4)), [100.0, 101.0, 102.0, 103.0]
    assert history.first(count).timestamps_s.tolist() == times[:count]
    assert history.last(count).timestamps_s.tolist() == (times[-count:] if count else [])
    assert len(history.last(count).telemetry) == min(count, 4)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("row", [0, 2])
def test_a_value_out_of_range_is_named(name, row):
    column = COLUMNS.index(name)
    for wrong in (-1e-9, LIMITS[name].highest * 1.001, math.inf, -math.inf):
        telemetry = History.of(samples(3)).telemetry.copy()
        telemetry[row, column] = wrong
        with pytest.raises(InvalidSample, match=name) as caught:
            History(np.arange(3.0), telemetry)
        assert caught.value.field == f"history[{row}].{name}"


@pytest.mark.parametrize("name", COLUMNS)
def test_both_ends_of_a_range_belong_to_it(name):
    telemetry = np.ones((2, 5))
    telemetry[:, COLUMNS.index(name)] = 0.0, LIMITS[name].highest
    assert len(History(np.arange(2.0), telemetry)) == 2


def test_bandwidth_must_be_measured_and_the_rest_need_not():
    telemetry = np.full((3, 5), np.nan)
    telemetry[:, 0] = 1.0
    assert len(History(np.arange(3.0), telemetry)) == 3
    telemetry[1, 0] = np.nan
    with pytest.raises(InvalidSample, match="bandwidth_mbps is nan") as caught:
        History(np.arange(3.0), telemetry)
    assert caught.value.field == "history[1].bandwidth_mbps"


def test_a_percentage_gets_the_remedy_for_percentages():
    with pytest.raises(InvalidSample, match="Divide percentages by 100"):
        History.of([NetworkMetrics(0.0, 1.0, packet_loss=1.7)])


@pytest.mark.parametrize("late", [1.0, 0.5])
def test_time_must_go_on(late):
    with pytest.raises(
        InvalidHistory, match=r"history\[1\] is at 1.0.* and history\[2\]"
    ) as caught:
        History(np.array([0.0, 1.0, late]), np.ones((3, 5)))
    assert caught.value.field == "history[2].timestamp"


@pytest.mark.parametrize("moment", [-1.0, math.nan, math.inf, 1_772_366_400_000.0])
def test_a_moment_before_1970_or_in_milliseconds_is_refused(moment):
    with pytest.raises(InvalidSample, match="Unix seconds") as caught:
        History(np.array([0.0, moment]), np.ones((2, 5)))
    assert caught.value.field == "history[1].timestamp"


@given(
    st.lists(st.one_of(st.floats(), st.floats(0, 1)), min_size=5, max_size=5),
    st.floats(0, 1e10),
)
def test_a_history_is_refused_exactly_when_a_value_breaks_its_limit(values, moment):
    fine = all(
        0 <= value <= LIMITS[name].highest or (math.isnan(value) and name != "bandwidth_mbps")
        for name, value in zip(COLUMNS, values, strict=True)
    )
    try:
        History.of([NetworkMetrics(moment, *values)])
    except InvalidSample:
        assert not fine
    else:
        assert fine


def test_a_forecast_speaks_of_the_next_step():
    assert (forecast().bandwidth_mbps, forecast().confidence) == (10.0, 0.5)


@pytest.mark.parametrize("changes", [{}, {"link_id": None, "model_version": None, "reasons": ()}])
def test_a_forecast_survives_the_wire(changes):
    told = forecast(**changes)
    assert Forecast.from_dict(told.as_dict()) == told


def test_the_wire_form_of_a_forecast_is_the_documented_one():
    told = forecast().as_dict()
    assert set(told) == {
        *("link_id", "mode", "source", "model_version", "made_at", "valid_until", "step_s"),
        *("bandwidth_mbps", "confidence", "horizons", "latency_ms", "packet_loss", "jitter_ms"),
        *("members", "reasons"),
    }
    assert told["made_at"] == "2026-03-01T12:00:00Z"
    assert told["valid_until"] == "2026-03-01T12:00:01.500000Z"
    assert set(told["horizons"][0]) == {"steps", "bandwidth_mbps", "confidence", "quantiles"}
    assert set(told["horizons"][0]["quantiles"]) == {
        *("0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95")
    }
    assert set(told["members"][0]) == {"name", "weight", "bandwidth_mbps", "confidence"}
