"""Open forecasts are matched with the samples after them, up to a gap; many links at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.stretch import Stretch
from pba.scoring.batch_settlement import settle_batch
from pba.scoring.codes import TARGET_STEPS
from pba.scoring.forecast_body import pack
from pba.telemetry.windows import GAP_INTERVALS
from tests.scoring.builders import SECOND_US, WITH_INTERVALS, forecast_row
from tests.scoring.link_batches import Link, batch_of, open_forecasts, random_link
from tests.scoring.plain_settlement import Outcome, settle

LONG_US = 10**15


@dataclass(frozen=True)
class Settled:
    """What became of one link: steps, second and actual of each outcome, and closed forecasts."""

    outcomes: list[tuple[int, float, float]]
    closed: list[bool]
    record: LinkRecord

    @property
    def steps(self) -> list[int]:
        """How many steps ahead each outcome is."""
        return [steps for steps, _, _ in self.outcomes]


def settle_at(
    forecasts: list[dict[str, Any]],
    seconds: Sequence[float],
    mbps: Sequence[float] | None = None,
    record: LinkRecord | None = None,
) -> Settled:
    """Settle one link with samples at some seconds, of 100 Mbps unless ``mbps`` are others."""
    at_us = [round(second * SECOND_US) for second in seconds]
    rates = list(mbps or [100.0] * len(seconds))
    settlement = settle_batch(
        batch_of([Link(at_us, rates, forecasts, record or LinkRecord())]), 0, LONG_US
    )
    table = settlement.outcomes
    steps = [TARGET_STEPS[target] for target in table.target]
    at_s = (table.at_us / SECOND_US).tolist()
    outcomes = list(zip(steps, at_s, table.actual_mbps.tolist(), strict=True))
    return Settled(outcomes, settlement.closed.tolist(), settlement.records.record(0))


def test_the_actual_n_steps_ahead_is_the_nth_sample_after_the_newest_one_used():
    settled = settle_at([forecast_row()], range(17), [float(mbps) for mbps in range(90, 107)])
    assert settled.outcomes == [(1, 1.0, 91.0), (5, 5.0, 95.0), (15, 15.0, 105.0)]
    assert settled.closed == [True]


def test_a_forecast_stays_open_until_its_last_horizon():
    first = settle_at([forecast_row()], range(15))
    assert (first.steps, first.closed) == ([1, 5], [False])
    second = settle_at([forecast_row(scored=(1, 5))], range(16))
    assert (second.steps, second.closed) == ([15], [True])


def test_horizons_behind_a_gap_are_not_scored_and_the_forecast_is_closed():
    settled = settle_at([forecast_row()], [0, 1, 2, 40, 41, 42, 43])
    assert (settled.steps, settled.closed) == ([1], [True])
    silent = settle_at([forecast_row()], [0, 11])
    assert (silent.steps, silent.closed) == ([], [True])


def test_a_gap_is_longer_than_its_limit():
    exactly = settle_at([forecast_row()], [0, 10])
    assert (exactly.steps, exactly.closed) == ([1], [False])


def test_outcomes_update_the_record_in_the_order_of_their_actuals():
    settled = settle_at([forecast_row(after=0), forecast_row(after=4)], range(21))
    assert [(at_s, steps) for steps, at_s, _ in settled.outcomes] == [
        (1, 1),
        (5, 1),
        (5, 5),
        (9, 5),
        (15, 15),
        (19, 15),
    ]
    record = settled.record
    assert record.scored == record.hits == 2
    assert record.weights["last_value"] < 0.05 < 0.85 < record.weights["model"]
    assert record.reliability[1].outcomes == pytest.approx(1.998)
    assert record.reliability[1].expected == pytest.approx(0.9 * 1.998, rel=1e-4), "unadapted"


@pytest.mark.parametrize(("actual_mbps", "side"), [(60.0, "below"), (140.0, "above")])
def test_an_actual_beyond_an_end_of_the_interval_widens_its_side(actual_mbps: float, side: str):
    settled = settle_at([forecast_row()], [0, 1], [100.0, actual_mbps])
    first, later = settled.record.stretch[0], settled.record.stretch[1]
    assert {name for name in ("below", "above") if getattr(first, name) > 0.0} == {side}
    assert later == Stretch()


def test_outcomes_of_v1_leave_the_record_unchanged():
    record = LinkRecord(scored=3, hits=2)
    settled = settle_at([forecast_row(arm=0)], range(21), record=record)
    assert settled.steps == [1, 5, 15]
    assert settled.record == record


def test_an_actual_that_the_next_sample_shows_to_be_an_outlier_is_not_scored():
    seconds = list(range(-40, 17))
    mbps = [100.0] * 41 + [4349.0] + [100.0] * 15
    waiting = settle_at([forecast_row()], seconds[:42], mbps[:42])
    assert (waiting.steps, waiting.closed) == ([], [False]), "it may be a new level"
    settled = settle_at([forecast_row()], seconds, mbps)
    assert (settled.steps, settled.closed) == ([5, 15], [True])


def test_the_last_actual_waits_too_for_the_sample_that_decides_about_it():
    mbps = [100.0] * 15 + [4349.0]
    assert settle_at([forecast_row()], range(16), mbps).closed == [False]
    settled = settle_at([forecast_row()], range(17), [*mbps, 4300.0])
    assert (settled.outcomes[-1], settled.closed) == ((15, 15.0, 4349.0), [True])


def test_an_actual_of_a_new_level_is_scored_once_the_next_sample_shows_it():
    mbps = [100.0] * 41 + [400.0, 410.0]
    assert settle_at([forecast_row()], range(-40, 3), mbps).outcomes == [(1, 1.0, 400.0)]


def test_a_sample_soon_after_the_newest_belongs_to_its_step():
    """A second agent reports a fifth of a step later; an actual is the mean of both."""
    seconds = [0.0, 0.2, 1.0, 1.2, 2.0, 2.2]
    settled = settle_at([forecast_row()], seconds, [100.0, 90.0, 80.0, 70.0, 60.0, 50.0])
    assert settled.outcomes == [(1, 1.0, 75.0)]


def test_a_minute_of_samples_at_once_scores_all_forecasts_of_that_minute():
    settled = settle_at([forecast_row(after=second) for second in range(45)], range(61))
    assert len(settled.outcomes) == 3 * 45
    assert settled.closed == [True] * 45
    assert settled.record.scored == 45


links = st.builds(
    random_link,
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.1, 1.0, 15.0]),
)


def assert_settled_as_alone(several: list[Link], gap_intervals: float = GAP_INTERVALS) -> int:
    """Settle all links together and one by one, compare, and return the number of outcomes."""
    batch = batch_of(several)
    together = settle_batch(batch, now_us=0, wait_us=LONG_US, gap_intervals=gap_intervals)
    outcomes: list[Outcome] = []
    closed: set[int] = set()
    for row, link in enumerate(several):
        first = int(np.searchsorted(batch.forecasts.link, batch.links[row]))
        forecasts = open_forecasts(link, first)
        at_us, rates = np.array(link.at_us, dtype=np.int64), np.array(link.bandwidth_mbps)
        alone = settle(forecasts, at_us, rates, link.record, gap_intervals)
        outcomes += alone.outcomes
        closed.update(alone.closed)
        record = together.records.record(row)
        for name in EXPERTS:
            assert record.weights[name] == pytest.approx(alone.record.weights[name], rel=1e-12)
        assert replace(record, weights={}) == replace(alone.record, weights={})
    table = together.outcomes
    rows = zip(table.row, table.target, table.at_us, table.actual_mbps, table.hit, strict=True)
    expected = [(one.forecast.id, one.target, one.at_us, one.hit) for one in outcomes]
    assert [(row, target, at_us, hit) for row, target, at_us, _, hit in rows] == expected
    actuals = [one.actual_mbps for one in outcomes]
    assert table.actual_mbps.tolist() == pytest.approx(actuals, rel=1e-9, abs=1e-9)
    assert set(np.flatnonzero(together.closed).tolist()) == closed
    return len(outcomes)


@settings(max_examples=60, deadline=None)
@given(st.lists(links, max_size=4), st.sampled_from([2.0, 10.0]))
def test_links_are_settled_together_as_each_alone(several: list[Link], gap_intervals: float):
    assert_settled_as_alone(several, gap_intervals)


def test_a_hundred_links_are_settled_together_as_each_alone():
    several = [random_link(seed, seed % 5 == 0, seed % 3 == 0, 1.0) for seed in range(100)]
    assert assert_settled_as_alone(several) > 1000


def test_a_forecast_closes_when_it_has_waited_long_enough_by_the_clock_of_the_service():
    """Horizon and gap are 25 s here, and it waits at least twice that."""
    forecast = forecast_row(created_us=7 * SECOND_US)
    batch = batch_of([Link([0, SECOND_US], [100.0, 100.0], [forecast], LinkRecord())])

    def closed(after_s: int, wait_s: int) -> list[bool]:
        now_us = (7 + after_s) * SECOND_US
        return settle_batch(batch, now_us, wait_s * SECOND_US).closed.tolist()

    assert [closed(second, 100) for second in (0, 99, 100)] == [[False], [False], [True]]
    assert [closed(second, 10) for second in (10, 49, 50)] == [[False], [False], [True]]


def test_a_forecast_that_closes_because_it_has_waited_is_scored_as_far_as_samples_go():
    batch = batch_of([Link([0, SECOND_US], [100.0, 90.0], [forecast_row()], LinkRecord())])
    settlement = settle_batch(batch, LONG_US, SECOND_US)
    assert settlement.closed.tolist() == [True]
    assert settlement.outcomes.actual_mbps.tolist() == [90.0]


def test_a_batch_without_outcomes_leaves_records_as_they_are():
    record = LinkRecord().after(0, 0.7, True, {})
    settled = settle_at([forecast_row()], [0], record=record)
    assert (settled.outcomes, settled.closed, settled.record) == ([], [False], record)
    assert len(settle_batch(batch_of([]), 0, LONG_US).outcomes) == 0


def with_means(**changes: Any) -> dict[str, Any]:
    return forecast_row(body=pack(WITH_INTERVALS), **changes)


def test_an_interval_is_scored_when_a_sample_reaches_its_end_and_not_before():
    before = settle_at([with_means()], [0.0, 1.0, 2.0, 3.0, 4.0, 4.9])
    assert before.steps == [1, 5], "the fifth sample, a little before the fifth second"
    after = settle_at([with_means(scored=(1, 5))], [0.0, 1.0, 2.0, 3.0, 4.0, 4.9, 5.9])
    assert [(steps, at_s) for steps, at_s, _ in after.outcomes] == [(-5, 5.0)]


def test_a_forecast_with_intervals_stays_open_until_the_last_one_ends():
    seconds = [float(second) for second in range(60)]
    assert settle_at([with_means()], seconds).closed == [False]
    last = settle_at([with_means()], [*seconds, 60.0])
    assert (last.steps[-1], last.closed) == (-60, [True])


def test_a_gap_within_an_interval_leaves_it_unscored_and_closes_the_forecast():
    settled = settle_at([with_means()], [*range(20), 40, 41])
    assert (sorted(settled.steps), settled.closed) == ([-15, -5, 1, 5, 15], [True])


def test_an_interval_that_waited_is_scored_if_four_fifths_are_covered():
    forecast = with_means(scored=(1, 5, -5, 15, -15))
    links = [
        Link([round(second * SECOND_US) for second in range(count)], [90.0] * count, [forecast], no)
        for count in (48, 49)
        for no in (LinkRecord(),)
    ]
    settlement = settle_batch(batch_of(links), now_us=10 * LONG_US, wait_us=LONG_US)
    assert settlement.closed.tolist() == [True, True]
    assert settlement.outcomes.row.tolist() == [1]


def test_intervals_wait_at_least_twice_their_length_and_the_gap():
    batch = batch_of([Link([0], [100.0], [with_means()], LinkRecord())])
    closed = [settle_batch(batch, at_s * SECOND_US, 0).closed[0] for at_s in (139, 140)]
    assert closed == [False, True]


def test_outcomes_of_intervals_leave_the_weights_of_a_record():
    seconds = [float(second) for second in range(6)]
    settled = settle_at([with_means(scored=(1, 5, 15))], seconds, [9.0] * 6)
    assert settled.steps == [-5]
    assert settled.record.weights == LinkRecord().weights
    assert settled.record.reliability[3].outcomes == 1.0
