"""Domain objects as messages of the proto."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deployments.grpc import pba_pb2 as pb, responses
from pba.errors import Busy, InvalidSample
from pba.store import Receipt, RefusedSample, SampleReport
from pba.types import (
    QUANTILES,
    Forecast,
    NetworkMode,
)
from pba.types.wire import ForecastDocument
from tests.deployments.grpc import messages
from tests.support.forecast_strategies import forecasts

TIMES = {"made_at", "valid_until", "newest_sample_at"}


@given(forecasts)
def test_a_forecast_survives_the_wire(forecast: Forecast):
    filled = pb.Forecast()
    responses.fill_forecast(filled, forecast)
    message = pb.Forecast.FromString(filled.SerializeToString())
    assert messages.forecast(message) == forecast
    assert message.bandwidth_mbps == forecast.bandwidth_mbps
    assert message.confidence == forecast.confidence
    assert [part.level for part in message.horizons[0].quantiles] == list(QUANTILES)


def test_a_message_has_the_fields_of_the_json_form_with_units_on_the_times():
    names = {field.name for field in pb.Forecast.DESCRIPTOR.fields}
    in_json = set(ForecastDocument.model_fields)
    assert names == in_json - TIMES | {f"{name}_s" for name in TIMES}


@given(forecasts)
def test_a_batch_has_an_error_in_its_place(forecast: Forecast):
    wrong = InvalidSample("packet_loss is 7", "history[3].packet_loss")
    first, second = responses.batch([wrong, forecast]).forecasts
    assert (first.WhichOneof("outcome"), second.WhichOneof("outcome")) == ("error", "forecast")
    assert (first.error.code, first.error.field) == ("invalid_sample", "history[3].packet_loss")


@pytest.mark.parametrize(
    ("field", "in_proto"),
    [
        ("history[0].timestamp", "history[0].timestamp_s"),
        ("samples[7].packet_loss", "samples[7].sample.packet_loss"),
        ("samples[7].timestamp", "samples[7].sample.timestamp_s"),
        ("samples[7].link_id", "samples[7].link_id"),
        ("link_id", "link_id"),
    ],
)
def test_fields_are_named_as_in_the_proto(field: str, in_proto: str):
    assert responses.error_detail(InvalidSample("wrong", field)).field == in_proto


def test_an_error_without_a_field_has_none():
    assert not responses.error_detail(Busy("later")).HasField("field")


def test_receipts_are_by_link():
    reports = [SampleReport(name, np.zeros(1), np.zeros((1, 5))) for name in ("a", "b")]
    first = Receipt(accepted=3, duplicates=1, late=2, expired=4, mode=NetworkMode.HYBRID)
    error = InvalidSample("wrong", "samples[7].timestamp")
    refused = (RefusedSample(7, "b", error),)
    second = Receipt(0, 0, 0, 0, mode=None, ignored=5, refused=refused)
    response = responses.receipts(reports, [first, second])
    detail = pb.ErrorDetail(
        code="invalid_sample", message="wrong", field="samples[7].sample.timestamp_s"
    )
    message = pb.RefusedSample(index=7, link_id="b", error=detail)
    assert dict(response.links) == {
        "a": pb.LinkObserved(accepted=3, duplicates=1, late=2, expired=4, mode=pb.MODE_HYBRID),
        "b": pb.LinkObserved(ignored=5, refused=[message]),
    }
    assert list(response.refused) == [message]


@given(forecasts)
def test_receipts_carry_a_forecast_or_an_error(forecast: Forecast):
    reports = [SampleReport(name, np.zeros(1), np.zeros((1, 5))) for name in ("a", "b")]
    receipts = [Receipt(1, 0, 0, 0, NetworkMode.INTERNET)] * 2
    links = responses.receipts(reports, receipts, [forecast, Busy("later")]).links
    assert messages.forecast(links["a"].forecast) == forecast
    assert (links["b"].error.code, links["b"].HasField("forecast")) == ("busy", False)


@given(forecasts, st.integers(0, 20_000))
def test_an_excerpt_is_the_longest_beginning_that_fits(forecast: Forecast, limit: int):
    items = [forecast] * 9
    excerpt = responses.excerpt(items, limit)
    assert excerpt.ByteSize() <= limit
    count = len(excerpt.forecasts)
    assert count == 9 or responses.batch(items[: count + 1]).ByteSize() > limit
