"""The wire form of a forecast has the keys of its document, and is read back unchanged."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from pydantic import ValidationError

from pba.types import (
    HORIZONS,
    QUANTILES,
    Forecast,
    HorizonForecast,
    NetworkMode,
)
from pba.types.wire import (
    AllocationDocument,
    ForecastDocument,
    HorizonDocument,
    MemberDocument,
)
from tests.support.forecast_strategies import forecasts


@given(forecasts)
def test_the_wire_form_is_valid_and_has_the_keys_of_its_document(forecast: Forecast):
    body = forecast.as_dict()
    ForecastDocument.model_validate(body)
    keys = set(ForecastDocument.model_fields)
    assert body.keys() == (keys if forecast.allocation else keys - {"allocation"})
    for horizon in body["horizons"]:
        assert horizon.keys() == set(HorizonDocument.model_fields)
    for member in body["members"]:
        assert member.keys() == set(MemberDocument.model_fields)
    if forecast.allocation:
        assert body["allocation"].keys() == set(AllocationDocument.model_fields)


@given(forecasts)
def test_a_forecast_is_read_back_unchanged(forecast: Forecast):
    assert Forecast.from_dict(forecast.as_dict()) == forecast


def a_forecast() -> Forecast:
    time = datetime(2026, 3, 1, tzinfo=UTC)
    levels = (1.0,) * len(QUANTILES)
    return Forecast(
        link_id=None,
        mode=NetworkMode.INTERNET,
        source="model",
        model_version=None,
        made_at=time,
        newest_sample_at=time,
        age_s=0.0,
        valid_until=time,
        step_s=1.0,
        horizons=tuple(HorizonForecast(steps, 1.0, 0.5, levels) for steps in HORIZONS),
        latency_ms=None,
        packet_loss=None,
        jitter_ms=None,
        members=(),
        reasons=(),
    )


@pytest.mark.parametrize(
    "name", sorted(ForecastDocument.model_fields.keys() - {"allocation", "intervals"})
)
def test_a_wire_form_without_one_of_its_keys_is_refused(name: str):
    body = a_forecast().as_dict()
    del body[name]
    with pytest.raises(ValidationError):
        Forecast.from_dict(body)


def test_a_forecast_of_an_older_service_has_no_intervals():
    body = a_forecast().as_dict()
    del body["intervals"]
    assert Forecast.from_dict(body) == a_forecast()
