"""Reports of a request's samples, and what is refused because of its time."""

import numpy as np
import pytest

from pba.serving.sample_reports import ClockLimit, all_refused, receipts_of, sample_reports
from pba.store import Receipt, SampleReport
from pba.types import NetworkMode, SampleTable

NOW_S = 1_772_366_400.0
YEARS_S = 10 * 365 * 86_400.0


def table(times_s: list[float], mbps: list[float]) -> SampleTable:
    telemetry = np.full((len(times_s), 5), np.nan)
    telemetry[:, 0] = mbps
    return SampleTable.of(np.array(times_s), telemetry)


def test_one_clock_ten_years_ahead_costs_the_other_twenty_links_nothing():
    times = [NOW_S] * 20 + [NOW_S + YEARS_S]
    names = [f"site-{number}:wan" for number in range(21)]
    limit = ClockLimit(NOW_S, 300.0)
    reports = [limit.applied(one) for one in sample_reports(table(times, [50.0] * 21), names)]
    assert [len(report.timestamps_s) for report in reports] == [1] * 20 + [0]
    (refused,) = all_refused(reports)
    assert refused.as_dict()["index"] == 20
    assert refused.link_id == "site-20:wan"
    assert refused.error.field == "samples[20].timestamp"
    assert "UTC" not in refused.error.message, "no zone is ten years wide"


def test_an_hour_ahead_is_likely_a_zone():
    error = ClockLimit(NOW_S, 300.0).error(NOW_S + 3600, "samples[0].timestamp")
    assert "without an offset is read as UTC" in error.message
    assert "over 300 s ahead" in error.message


def test_what_the_clock_and_what_the_rules_refuse_is_in_the_order_of_the_request():
    times = [NOW_S + 900, NOW_S, NOW_S + 1, NOW_S + 901]
    (report,) = sample_reports(table(times, [5.0, -5.0, 5.0, 5.0]), ["a"] * 4)
    checked = ClockLimit(NOW_S, 300.0).applied(report)
    assert [one.index for one in checked.refused] == [0, 1, 3]
    assert checked.indices.tolist() == [2]
    assert checked.ignored.tolist() == [0]


@pytest.mark.parametrize("tail", ["x" * 10, "y" * 10])
def test_long_names_are_cut_and_do_not_take_the_place_of_a_valid_one(tail: str):
    valid = "a" * 100
    names = ["a" * 300 + tail, valid]
    invalid, report = sample_reports(table([1.0, 2.0], [5.0, 5.0]), names)
    assert (report.link_id, len(report.timestamps_s)) == (valid, 1)
    assert len(invalid.link_id) == 101
    (refused,) = invalid.refused
    assert refused.error.field == "samples[0].link_id"
    assert refused.link_id == invalid.link_id


def test_receipts_of_stored_reports_are_joined_by_those_without_a_sample():
    full = SampleReport("a", np.zeros(2), np.zeros((2, 5)), ignored=np.array([1, 2]))
    empty = SampleReport("b", np.zeros(0), np.zeros((0, 5)))
    stored = Receipt(2, 0, 0, 0, NetworkMode.INTERNET)
    first, second = receipts_of([full, empty], iter([stored]))
    assert (first.accepted, first.ignored, first.mode) == (2, 3, NetworkMode.INTERNET)
    assert second == Receipt(0, 0, 0, 0, None)
