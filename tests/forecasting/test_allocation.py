"""Advice keeps the caller's limits, and is monotone in each part of a forecast."""

import doctest
import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.forecasting import allocation
from pba.forecasting.allocation import POLICIES, AllocationRequest, advise
from pba.types import (
    HORIZONS,
    QUANTILES,
    Allocation,
    Forecast,
    HorizonForecast,
    NetworkMode,
)

PAGE = Path(__file__).parents[2] / "docs" / "allocation.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WIDE = AllocationRequest(
    min_streams=1, max_streams=65_535, min_buffer_bytes=1, max_buffer_bytes=2**30
)
"""Limits that ordinary advice does not reach, so that the rules decide."""


def forecast(
    safe_mbps: float = 100.0,
    latency_ms: float | None = 50.0,
    packet_loss: float | None = None,
    jitter_ms: float | None = None,
) -> Forecast:
    """Return a forecast with ``safe_mbps`` at every level of every horizon."""
    flat = (safe_mbps,) * len(QUANTILES)
    return Forecast(
        link_id=None,
        mode=NetworkMode.INTERNET,
        source="model",
        model_version="x",
        made_at=NOON,
        newest_sample_at=NOON,
        age_s=0.0,
        valid_until=NOON + timedelta(seconds=1),
        step_s=1.0,
        horizons=tuple(HorizonForecast(steps, safe_mbps, 0.8, flat) for steps in HORIZONS),
        latency_ms=latency_ms,
        packet_loss=packet_loss,
        jitter_ms=jitter_ms,
        members=(),
        reasons=(),
    )


def spread(levels_mbps: tuple[float, ...]) -> Forecast:
    """Return a forecast whose quantiles grow with the horizon: those given, times the steps."""
    horizons = tuple(
        HorizonForecast(steps, 1.0, 0.8, tuple(steps * level for level in levels_mbps))
        for steps in HORIZONS
    )
    return replace(forecast(), horizons=horizons)


def measured(highest: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0.0, highest)


forecasts = st.builds(forecast, st.floats(0.0, 1e8), measured(1e6), measured(1.0), measured(1e6))


@st.composite
def requests(draw: st.DrawFn) -> AllocationRequest:
    def pair(values: st.SearchStrategy) -> list:
        return sorted([draw(values), draw(values)])

    streams, sizes = pair(st.integers(1, 65_535)), pair(st.integers(1, 2**30))
    rates = pair(st.floats(1e-6, 1e7))
    level, steps = draw(st.sampled_from(QUANTILES)), draw(st.sampled_from(HORIZONS))
    return AllocationRequest("amst_v1", level, steps, *streams, *sizes, *rates)


def test_the_public_names_are_those_listed():
    assert set(allocation.__all__) == {"POLICIES", "AllocationRequest", "advise"}
    assert POLICIES == ("amst_v1",)


@pytest.mark.parametrize(
    ("safe_mbps", "latency_ms", "packet_loss", "streams"),
    [
        (100.0, 50.0, None, 10),  # 100 / 10
        (101.0, 50.0, None, 11),  # 10.1, rounded up
        (100.0, 150.0, None, 7),  # 10 x 0.7
        (100.0, 5.0, None, 13),  # 10 x 1.3
        (200.0, 50.0, 0.02, 15),  # 20 x 0.75
        (200.0, 150.0, 0.02, 11),  # 20 x 0.525 = 10.5
        (200.0, 5.0, 0.02, 20),  # 20 x 0.975 = 19.5
        (100.0, 100.0, 0.01, 10),  # at 100 ms and at 1 % nothing is multiplied yet
        (100.0, 20.0, 0.0, 10),  # at 20 ms neither
        (100.0, None, None, 10),
        (5.0, 50.0, None, 2),
        (40_000.0, 1.0, None, 256),
    ],
)
def test_streams_follow_the_old_rules(safe_mbps, latency_ms, packet_loss, streams):
    advice = advise(forecast(safe_mbps, latency_ms, packet_loss), AllocationRequest())
    assert advice.streams == streams


@pytest.mark.parametrize(
    ("safe_mbps", "latency_ms", "jitter_ms", "buffer_bytes"),
    [
        (100.0, 50.0, None, 62_500),  # 10 Mbit/s x 50 ms = 500 000 bits
        (100.0, 50.0, 5.0, 87_500),  # 10 Mbit/s x (50 + 4 x 5) ms
        (1000.0, 50.0, 5.0, 87_500),  # ten times the streams, each as before
        (100.0, 140.0, 0.0, 250_000),  # 10 / 0.7 Mbit/s x 140 ms
        (100.0, None, None, 125_000),  # not measured counts as 100 ms
        (100.0, 1.0, None, 16_384),
        (40_000.0, 90.0, None, 1_048_576),  # 156.25 Mbit/s x 90 ms is 1 757 813 bytes
        (10.0, 80.0, None, 50_000),  # two streams of 5 Mbit/s
    ],
)
def test_a_buffer_covers_one_streams_share_of_a_long_round_trip(
    safe_mbps, latency_ms, jitter_ms, buffer_bytes
):
    link = forecast(safe_mbps, latency_ms, jitter_ms=jitter_ms)
    assert advise(link, AllocationRequest()).buffer_bytes == buffer_bytes


def test_fewer_streams_because_of_loss_have_larger_buffers():
    advice = advise(forecast(100.0, 60.0, 0.05), AllocationRequest())
    assert (advice.streams, advice.buffer_bytes) == (8, 100_000)  # 10 / 0.75 Mbit/s x 60 ms


def test_an_outage_gets_the_minimum_of_everything_and_is_still_probed():
    advice = advise(forecast(0.0, None), AllocationRequest())
    assert advice == Allocation("amst_v1", 0.1, 0.0, 2, 16_384, 16_384, 1.0)
    assert advice.pacing_per_stream_mbps == 0.5


def test_a_link_without_delay_gets_the_smallest_buffer():
    assert advise(forecast(100.0, 0.0, 0.0, 0.0), WIDE).buffer_bytes == 1


def test_a_chunk_is_one_buffer_in_whole_pages():
    assert advise(forecast(100.0, 50.0), AllocationRequest()).chunk_bytes == 15 * 4096


def test_a_buffer_below_a_page_is_one_chunk():
    small = AllocationRequest(min_buffer_bytes=1, max_buffer_bytes=1000)
    assert advise(forecast(), small).chunk_bytes == 1000


def test_pacing_is_the_safe_rate_divided_among_the_streams():
    advice = advise(forecast(101.0), AllocationRequest())
    assert (advice.safe_rate_mbps, advice.pacing_total_mbps) == (101.0, 101.0)
    assert advice.pacing_per_stream_mbps == pytest.approx(101.0 / 11)


def test_the_callers_maximum_rate_limits_everything():
    capped = advise(forecast(1000.0), AllocationRequest(max_rate_mbps=100.0))
    assert capped == advise(forecast(100.0), AllocationRequest())


@pytest.mark.parametrize(("quantile", "steps", "rate_mbps"), [(0.1, 1, 20), (0.5, 5, 200)])
def test_the_safe_rate_is_the_requested_quantile_at_the_requested_horizon(
    quantile, steps, rate_mbps
):
    link = spread((10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0))
    advice = advise(link, AllocationRequest(quantile=quantile, steps=steps))
    assert advice.safe_rate_mbps == rate_mbps
    assert advice.quantile == quantile


def test_a_horizon_that_the_forecast_lacks_is_refused():
    short = replace(forecast(), horizons=forecast().horizons[:1])
    with pytest.raises(InvalidInput, match="steps is 15; it is one of 1") as caught:
        advise(short, AllocationRequest(steps=15))
    assert caught.value.field == "allocation.steps"


@given(forecasts, requests())
def test_advice_never_exceeds_the_limits(link, request):
    advice = advise(link, request)
    assert request.min_streams <= advice.streams <= request.max_streams
    assert request.min_buffer_bytes <= advice.buffer_bytes <= request.max_buffer_bytes
    assert 0 < advice.chunk_bytes <= advice.buffer_bytes
    assert 0 <= advice.safe_rate_mbps <= request.max_rate_mbps
    assert request.min_rate_mbps <= advice.pacing_total_mbps <= request.max_rate_mbps
    total_mbps = advice.pacing_per_stream_mbps * advice.streams
    assert total_mbps <= request.max_rate_mbps * (1 + 1e-12)


@given(forecasts, requests())
def test_the_buffers_together_cover_the_data_in_flight_unless_a_limit_forbids(link, request):
    advice = advise(link, request)
    if advice.buffer_bytes < request.max_buffer_bytes:
        rtt_ms = 100.0 if link.latency_ms is None else link.latency_ms
        needed_bits = advice.pacing_total_mbps * 1e3 * (rtt_ms + 4 * (link.jitter_ms or 0.0))
        assert 8 * advice.streams * advice.buffer_bytes >= needed_bits * (1 - 1e-12)


@given(forecasts, requests(), st.floats(0.0, 1e8))
def test_with_a_higher_safe_rate_streams_pacing_and_buffer_do_not_fall(link, request, more_mbps):
    less = advise(link, request)
    more = advise(_faster(link, more_mbps), request)
    assert more.streams >= less.streams
    assert more.pacing_total_mbps >= less.pacing_total_mbps
    assert more.buffer_bytes >= less.buffer_bytes
    assert more.chunk_bytes >= less.chunk_bytes


def _faster(link: Forecast, more_mbps: float) -> Forecast:
    rate_mbps = link.bandwidth_mbps + more_mbps
    return replace(link, horizons=forecast(rate_mbps).horizons)


@given(forecasts, requests(), st.floats(0.0, 300.0), st.floats(0.0, 300.0))
def test_with_a_longer_round_trip_streams_do_not_rise_and_the_buffer_does_not_fall(
    link, request, rtt_ms, more_ms
):
    near = advise(replace(link, latency_ms=rtt_ms), request)
    far = advise(replace(link, latency_ms=rtt_ms + more_ms), request)
    assert far.streams <= near.streams
    assert far.buffer_bytes >= near.buffer_bytes
    assert far.pacing_total_mbps == near.pacing_total_mbps


@given(forecasts, requests(), st.floats(0.0, 0.05), st.floats(0.0, 0.05))
def test_with_more_loss_streams_do_not_rise_and_the_buffer_does_not_fall(link, request, loss, more):
    clean = advise(replace(link, packet_loss=loss), request)
    lossy = advise(replace(link, packet_loss=loss + more), request)
    assert lossy.streams <= clean.streams
    assert lossy.buffer_bytes >= clean.buffer_bytes


@given(forecasts, requests(), st.floats(0.0, 1e3), st.floats(0.0, 1e3))
def test_with_more_jitter_the_buffer_does_not_fall(link, request, jitter_ms, more_ms):
    calm = advise(replace(link, jitter_ms=jitter_ms), request)
    jittery = advise(replace(link, jitter_ms=jitter_ms + more_ms), request)
    assert jittery.buffer_bytes >= calm.buffer_bytes
    assert jittery.streams == calm.streams


@given(st.lists(st.floats(0.0, 1e6), min_size=7, max_size=7), requests())
def test_with_a_lower_quantile_nothing_rises(levels_mbps, request):
    link = spread(tuple(sorted(levels_mbps)))
    advice = [advise(link, replace(request, quantile=level)) for level in QUANTILES]
    for name in ("safe_rate_mbps", "pacing_total_mbps", "streams", "buffer_bytes"):
        values = [getattr(item, name) for item in advice]
        assert values == sorted(values), name


@given(forecasts, requests())
def test_missing_values_count_as_100_ms_without_loss_or_jitter(link, request):
    unknown = replace(link, latency_ms=None, packet_loss=None, jitter_ms=None)
    assumed = replace(link, latency_ms=100.0, packet_loss=0.0, jitter_ms=0.0)
    assert advise(unknown, request) == advise(assumed, request)


@given(forecasts, requests())
def test_advice_survives_the_wire(link, request):
    advice = advise(link, request)
    assert Allocation.from_dict(json.loads(json.dumps(advice.as_dict()))) == advice


def test_the_wire_form_of_advice_is_the_documented_one():
    assert list(advise(forecast(), AllocationRequest()).as_dict()) == [
        *("policy", "quantile", "safe_rate_mbps", "streams", "buffer_bytes", "chunk_bytes"),
        *("pacing_total_mbps", "pacing_per_stream_mbps"),
    ]


def test_the_example_in_the_documentation_is_correct():
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    test = doctest.DocTestParser().get_doctest(example, {}, "example", str(PAGE), 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_documentation_names_every_field():
    text = PAGE.read_text()
    names = [field.name for kind in (AllocationRequest, Allocation) for field in fields(kind)]
    assert all(f"`{name}`" in text for name in [*names, "pacing_per_stream_mbps", *POLICIES])
