from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from deployments.grpc import pba_pb2 as pb, responses
from pba.errors import Busy, InvalidSample
from pba.store import Receipt
from pba.types import (
    HORIZONS,
    QUANTILES,
    Allocation,
    Forecast,
    HorizonForecast,
    Member,
    NetworkMode,
)
from tests.deployments.grpc import messages

number = st.floats(0, 1e7)
count = st.integers(1, 2**16)
maybe = st.none() | number
moment = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
horizons = st.tuples(
    *(
        st.builds(
            HorizonForecast, st.just(steps), number, number, st.tuples(*[number] * len(QUANTILES))
        )
        for steps in HORIZONS
    )
)
forecasts = st.builds(
    Forecast,
    link_id=st.none() | st.just("fra1:ams2"),
    mode=st.sampled_from(NetworkMode),
    source=st.sampled_from(["model", "ensemble", "heuristic"]),
    model_version=st.none() | st.text(),
    made_at=moment,
    valid_until=moment,
    step_s=number,
    horizons=horizons,
    latency_ms=maybe,
    packet_loss=maybe,
    jitter_ms=maybe,
    members=st.lists(st.builds(Member, st.text(), number, number, number)).map(tuple),
    reasons=st.lists(st.text()).map(tuple),
    allocation=st.none()
    | st.builds(Allocation, st.text(), number, number, count, count, count, number),
)


@given(forecasts)
def test_a_forecast_comes_through_unchanged(made: Forecast):
    told = pb.Forecast.FromString(responses.forecast(made).SerializeToString())
    assert messages.forecast(told) == made
    assert (told.bandwidth_mbps, told.confidence) == (made.bandwidth_mbps, made.confidence)
    assert [part.level for part in told.horizons[0].quantiles] == list(QUANTILES)


def test_a_message_has_the_fields_of_the_json_form_with_units_on_the_times():
    names = {field.name for field in pb.Forecast.DESCRIPTOR.fields}
    given_in_json = set(Forecast.__dataclass_fields__) | {"bandwidth_mbps", "confidence"}
    in_json = given_in_json - {"made_at", "valid_until"}
    assert names == in_json | {"made_at_s", "valid_until_s"}


@given(forecasts)
def test_a_batch_has_an_error_in_its_place(made: Forecast):
    wrong = InvalidSample("packet_loss is 7", "history[3].packet_loss")
    first, second = responses.batch([wrong, made]).forecasts
    assert (first.WhichOneof("outcome"), second.WhichOneof("outcome")) == ("error", "forecast")
    assert (first.error.code, first.error.field) == ("invalid_sample", "history[3].packet_loss")


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ("history[0].timestamp", "history[0].timestamp_s"),
        ("samples[7].packet_loss", "samples[7].sample.packet_loss"),
        ("samples[7].timestamp", "samples[7].sample.timestamp_s"),
        ("samples[7].link_id", "samples[7].link_id"),
        ("link_id", "link_id"),
    ],
)
def test_fields_are_named_as_the_proto_names_them(ours: str, told: str):
    assert responses.detail(InvalidSample("wrong", ours)).field == told


def test_an_error_without_a_field_has_none():
    assert not responses.detail(Busy("later")).HasField("field")


def test_what_became_of_samples_is_told_link_by_link():
    receipt = Receipt(accepted=3, duplicates=1, late=2, expired=4, mode=NetworkMode.HYBRID)
    told = responses.observed({"links": {"a": receipt.as_dict()}})
    assert told.links["a"] == pb.LinkObserved(
        accepted=3, duplicates=1, late=2, expired=4, mode=pb.MODE_HYBRID
    )
