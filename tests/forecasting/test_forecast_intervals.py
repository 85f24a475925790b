"""The mean over the next steps: in the forecasts of models, of two readings, of old samples."""

from datetime import datetime

import numpy as np
import pytest

from pba.forecasting import ForecastResult, Query
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import INITIAL_WEIGHTS, MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.stretch import Stretch
from pba.models.distribution import decode
from pba.types import HORIZONS, INTERVALS, History
from tests.forecasting.forecast_cases import (
    DATACENTER,
    HYBRID,
    INTERNET,
    MODELS_WITH_INTERVALS,
    NOW,
    history,
    results,
)

UNSURE = Reliability(outcomes=200, hits=50, expected=150)


def result(query: Query, **failures: str) -> ForecastResult:
    (one,) = results([query], failures, MODELS_WITH_INTERVALS)
    return one


def test_the_intervals_of_a_forecast_are_its_models_distributions():
    query = Query(history(60), INTERNET)
    model = MODELS_WITH_INTERVALS[INTERNET]
    prediction = model.predict(query.history.telemetry[None])
    decoded = decode(prediction.distributions, prediction.level_mbps, model.bins)
    forecast = result(query).forecast
    values = (*forecast.horizons, *forecast.intervals)
    assert [one.steps for one in forecast.intervals] == list(INTERVALS)
    for index, one in enumerate(values):
        assert one.confidence == pytest.approx(decoded.confidence[0, index])
        assert one.quantiles_mbps == pytest.approx(decoded.quantiles_mbps[0, index])
    means = [one.mean_mbps for one in forecast.intervals]
    assert means == pytest.approx(decoded.bandwidth_mbps[0, len(HORIZONS) :])
    assert result(query).intervals == forecast.intervals
    assert result(query).confidence == pytest.approx(decoded.confidence[0])


def test_the_data_centre_has_no_mean_over_60_steps_and_neither_has_a_mixture_with_it():
    of_mode = {
        mode: [one.steps for one in result(Query(history(60), mode)).forecast.intervals]
        for mode in (DATACENTER, HYBRID)
    }
    assert of_mode == {DATACENTER: [5, 15], HYBRID: [5, 15]}


def test_a_mixture_of_two_models_lies_between_them():
    means = {
        mode: result(Query(history(60), mode)).forecast.intervals[0].mean_mbps
        for mode in (DATACENTER, INTERNET, HYBRID)
    }
    assert means[HYBRID] == pytest.approx(means[INTERNET], rel=0.05)


def test_where_no_model_answers_there_are_no_intervals():
    short = result(Query(history(20), INTERNET))
    failed = result(Query(history(60), INTERNET), internet="model_unavailable")
    assert (short.forecast.intervals, failed.forecast.intervals) == ((), ())
    assert len(short.confidence) == len(HORIZONS)


def test_where_another_expert_leads_the_models_means_remain():
    leads = LinkRecord(weights=INITIAL_WEIGHTS | {MODEL: 0.05, "ewma": 0.85})
    of_expert = result(Query(history(60), INTERNET, record=leads))
    of_model = result(Query(history(60), INTERNET))
    assert of_expert.forecast.source == "expert"
    assert of_expert.forecast.intervals == of_model.forecast.intervals
    assert of_expert.forecast.horizons != of_model.forecast.horizons


def test_a_record_adapts_the_confidence_of_the_interval_that_it_knows():
    reliability = [Reliability()] * (len(HORIZONS) + len(INTERVALS))
    reliability[len(HORIZONS) + 1] = UNSURE
    adapted = result(Query(history(60), INTERNET, record=LinkRecord(reliability=(*reliability,))))
    plain = result(Query(history(60), INTERNET))
    pairs = zip(adapted.forecast.intervals, plain.forecast.intervals, strict=True)
    lower = [one.confidence < other.confidence for one, other in pairs]
    assert lower == [False, True, False]
    assert adapted.confidence == plain.confidence


def test_a_record_stretches_the_quantiles_of_the_interval_that_it_knows():
    stretch = [Stretch()] * (len(HORIZONS) + len(INTERVALS))
    stretch[len(HORIZONS) + 1] = Stretch(1.0, 1.0)
    wide = result(Query(history(60), INTERNET, record=LinkRecord(stretch=(*stretch,)))).forecast
    plain = result(Query(history(60), INTERNET)).forecast
    wider = [
        one.quantiles_mbps[-1] > other.quantiles_mbps[-1]
        for one, other in zip(wide.intervals, plain.intervals, strict=True)
    ]
    assert wider == [False, True, False]


def test_a_newest_sample_of_two_readings_has_means_between_them():
    steady = history(60)
    risen = steady.telemetry.copy()
    risen[-1, 0] *= 4.0
    both = result(Query(History(steady.timestamps_s, risen), INTERNET)).forecast
    before = result(Query(steady, INTERNET)).forecast
    assert "outlier" in both.reasons
    for mixed, plain in zip(both.intervals, before.intervals, strict=True):
        assert plain.quantiles_mbps[0] <= mixed.quantiles_mbps[0] * 1.01
        assert mixed.quantiles_mbps[-1] > 2 * plain.quantiles_mbps[-1]


@pytest.mark.parametrize(("age_s", "row"), [(3.0, 1), (10.5, 1), (11.0, 2), (40.0, 2)])
def test_the_mean_of_an_old_forecast_is_as_unsure_as_that_which_ends_as_late(age_s, row):
    steady = history(60)
    older = History(steady.timestamps_s - age_s, steady.telemetry)
    aged, fresh = result(Query(older, INTERNET)), result(Query(steady, INTERNET))
    assert aged.intervals == fresh.intervals
    assert aged.forecast.intervals[0].confidence == pytest.approx(fresh.intervals[row].confidence)
    assert [one.steps for one in aged.forecast.intervals] == list(INTERVALS)


def test_beyond_the_last_interval_the_mean_fades():
    confidences = []
    for age_s in (0.0, 60.0, 600.0, 6000.0):
        steady = history(60)
        older = History(steady.timestamps_s - age_s, steady.telemetry)
        confidences.append(result(Query(older, INTERNET)).forecast.intervals[-1].confidence)
    assert (np.diff(confidences) < 0).all()


def test_as_of_the_newest_sample_nothing_ages():
    steady = history(60)
    older = History(steady.timestamps_s - 1000.0, steady.telemetry)
    forecast = result(Query(older, INTERNET, as_of_newest=True)).forecast
    assert forecast.made_at == datetime.fromtimestamp(NOW.timestamp() - 1000.0, NOW.tzinfo)
    assert forecast.intervals == result(Query(steady, INTERNET)).forecast.intervals
