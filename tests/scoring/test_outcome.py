"""An outcome compares one horizon of a forecast with its actual."""

from dataclasses import replace

import pytest

from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.scoring import Outcome
from tests.scoring.builders import PREDICTION, open_forecast


def outcome(actual_mbps: float, horizon: int = 0) -> Outcome:
    return Outcome(open_forecast(), horizon, 1_000_000, actual_mbps)


@pytest.mark.parametrize(
    ("actual", "hit"), [(84.0, True), (83.0, False), (125.0, True), (126.0, False)]
)
def test_in_band_is_within_a_fifth_of_the_actual(actual: float, hit: bool):
    assert outcome(actual).hit is hit


@pytest.mark.parametrize(
    ("actual", "covered"),
    [
        (100.0, (True, True)),
        (90.0, (True, True)),
        (85.0, (False, True)),
        (70.0, (False, True)),
        (69.9, (False, False)),
        (110.0, (True, True)),
        (130.0, (False, True)),
        (130.1, (False, False)),
    ],
)
def test_intervals_include_their_ends(actual: float, covered: tuple[bool, bool]):
    assert outcome(actual).covered == covered


def test_each_horizon_has_its_own_point_confidence_and_quantiles():
    prediction = PREDICTION | {
        "points_mbps": [1.0, 2.0, 3.0],
        "quantiles_mbps": [[float(7 * row + column) for column in range(7)] for row in range(3)],
    }
    forecast = replace(open_forecast(), prediction=prediction)
    last = Outcome(forecast, 2, 15_000_000, 3.0)
    assert (last.steps, last.forecast_mbps, last.confidence) == (15, 3.0, 0.6)
    assert last.quartiles_mbps == (16.0, 18.0)


def test_an_outcome_updates_the_reliability_of_its_horizon_and_all_weights():
    record = outcome(100.0, horizon=1).update(LinkRecord())
    assert [row.outcomes for row in record.reliability] == pytest.approx([0.0, 1.0, 0.0])
    assert record.reliability[1].expected == pytest.approx(0.9), "the unadapted confidence"
    assert record.weights["model"] > LinkRecord().weights["model"]
    assert record.weights["last_value"] < LinkRecord().weights["last_value"]
    assert record.scored == 0, "only one step ahead counts"


def test_outcomes_of_v1_leave_the_record_unchanged():
    forecast = replace(open_forecast(), arm=Arm.V1)
    record = LinkRecord(scored=3, hits=2)
    assert Outcome(forecast, 0, 1_000_000, 100.0).update(record) is record
