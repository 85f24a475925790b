from typing import Any

import numpy as np
import pytest

from pba.forecasting.link_record import LinkRecord
from pba.scoring import OpenForecast, Settlement, settle

SECOND = 1_000_000
SAID: dict[str, Any] = {
    "points_mbps": [100.0, 100.0, 100.0],
    "confidence": [0.8, 0.7, 0.6],
    "unadapted": [0.9, 0.9, 0.9],
    "quantiles_mbps": [[70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0]] * 3,
    "members": {"model": [100.0] * 3, "last_value": [50.0] * 3},
}


def pending(number: int = 1, after: int = 0, settled: frozenset[int] = frozenset()) -> OpenForecast:
    return OpenForecast(number, after * SECOND, 1.0, "internet", "model", "v1", 0, SAID, settled)


def settled(
    waiting: list[OpenForecast], seconds: list[int], mbps: list[float] | None = None
) -> Settlement:
    at_us = np.array(seconds) * SECOND
    return settle(waiting, at_us, np.array(mbps or [100.0] * len(seconds)), LinkRecord())


def test_the_nth_sample_after_the_newest_known_is_what_came_n_steps_later():
    found = settled([pending()], list(range(17)), [float(mbps) for mbps in range(90, 107)])
    assert [(one.steps, one.actual_mbps) for one in found.outcomes] == [
        (1, 91.0),
        (5, 95.0),
        (15, 105.0),
    ]
    assert found.closed == (1,)


def test_a_forecast_stays_open_until_its_last_horizon():
    found = settled([pending()], list(range(15)))
    assert [one.steps for one in found.outcomes] == [1, 5]
    assert found.closed == ()
    again = settled([pending(settled=frozenset({1, 5}))], list(range(16)))
    assert [one.steps for one in again.outcomes] == [15]
    assert again.closed == (1,)


def test_behind_a_pause_nothing_is_scored_and_the_forecast_is_done_with():
    found = settled([pending()], [0, 1, 2, 40, 41, 42, 43])
    assert [one.steps for one in found.outcomes] == [1]
    assert found.closed == (1,)
    silent = settled([pending()], [0, 11])
    assert (silent.outcomes, silent.closed) == ((), (1,))


@pytest.mark.parametrize(
    ("actual", "hit"), [(84.0, True), (83.0, False), (125.0, True), (126.0, False)]
)
def test_in_band_is_within_a_fifth_of_the_actual(actual: float, hit: bool):
    (outcome,) = settled([pending()], [0, 1], [0.0, actual]).outcomes
    assert outcome.hit is hit


@pytest.mark.parametrize(
    ("actual", "covered"),
    [(100.0, (True, True)), (85.0, (False, True)), (60.0, (False, False)), (130.0, (False, True))],
)
def test_intervals_cover_with_their_ends(actual: float, covered: tuple[bool, bool]):
    (outcome,) = settled([pending()], [0, 1], [0.0, actual]).outcomes
    assert outcome.covered == covered


def test_outcomes_teach_in_the_order_in_which_they_came():
    waiting = [pending(2, after=4), pending(1, after=0)]
    found = settled(waiting, list(range(21)))
    order = [(one.at_us // SECOND, one.forecast.id) for one in found.outcomes]
    assert order == [(1, 1), (5, 2), (5, 1), (9, 2), (15, 1), (19, 2)]
    assert found.record.scored == found.record.hits == 2
    assert found.record.weights["last_value"] < 0.05 < 0.85 < found.record.weights["model"]
    assert found.record.reliability[1].outcomes == pytest.approx(1.998)
