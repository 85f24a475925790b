"""Hypothesis strategies that make any forecast."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from pba.types import (
    HORIZONS,
    INTERVALS,
    QUANTILES,
    Allocation,
    Forecast,
    HorizonForecast,
    IntervalForecast,
    Member,
    NetworkMode,
)

__all__ = ["forecasts"]

_number = st.floats(0, 1e7)
_count = st.integers(1, 2**16)
_optional = st.none() | _number
_times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
_quantiles = st.tuples(*[_number] * len(QUANTILES))
_horizons = st.tuples(
    *(
        st.builds(HorizonForecast, st.just(steps), _number, _number, _quantiles)
        for steps in HORIZONS
    )
)
_intervals = st.integers(0, len(INTERVALS)).flatmap(
    lambda count: st.tuples(
        *(
            st.builds(IntervalForecast, st.just(steps), _number, _number, _quantiles)
            for steps in INTERVALS[:count]
        )
    )
)
_members = st.lists(st.builds(Member, st.text(), _number, _number, _number), max_size=3)
_allocations = st.builds(Allocation, st.text(), _number, _number, _count, _count, _count, _number)

forecasts = st.builds(
    Forecast,
    link_id=st.none() | st.just("fra1:ams2"),
    mode=st.sampled_from(NetworkMode),
    source=st.sampled_from(["model", "ensemble", "expert", "heuristic"]),
    model_version=st.none() | st.text(),
    made_at=_times,
    newest_sample_at=_times,
    age_s=_number,
    valid_until=_times,
    step_s=_number,
    horizons=_horizons,
    latency_ms=_optional,
    packet_loss=_optional,
    jitter_ms=_optional,
    members=_members.map(tuple),
    reasons=st.lists(st.text(), max_size=3).map(tuple),
    allocation=st.none() | _allocations,
    intervals=_intervals,
)
