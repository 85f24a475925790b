"""One odd sample hardly moves the shipped models' forecasts, and is named while it is newest."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.query import Query
from pba.serving.local_service import LocalService
from pba.telemetry.link_mode import LinkMode
from pba.types import Floats, Forecast, History, NetworkMode

MODELS = Path(__file__).parents[1] / "models"
DATACENTER, INTERNET = NetworkMode.DATACENTER, NetworkMode.INTERNET
SAMPLES, SAMPLE_A_MINUTE_S = 60, 60.0
MOST, USUALLY = 0.05, 0.01
ADVICE = AllocationRequest(quantile=0.95)
"""At the highest quantile, which an outlier raises most."""

factors = st.floats(3.0, 1e6) | st.floats(0.0, 0.34)
places = st.integers(5, SAMPLES - 2)  # fewer samples before it show nothing


class Link(NamedTuple):
    """A steady link: its usual rate, noise (log) and round-trip time."""

    mbps: float
    noise: float
    rtt_ms: float
    seed: int

    def rates(self) -> Floats:
        noise = np.random.default_rng(self.seed).normal(0.0, self.noise, SAMPLES)
        return np.asarray(self.mbps * np.exp(noise))


seeds = st.integers(0, 1000)
steady = st.builds(
    Link, st.floats(2.0, 700.0), st.floats(0.0, 0.05), st.sampled_from([np.nan, 30.0, 80.0]), seeds
)
datacenter = st.builds(
    Link, st.floats(2_000.0, 40_000.0), st.floats(0.0, 0.05), st.sampled_from([np.nan, 0.3]), seeds
)
links = steady | datacenter


@pytest.fixture(scope="module")
def service() -> LocalService:
    return LocalService.load(MODELS)


def history(link: Link, rates: Floats) -> History:
    telemetry = np.full((SAMPLES, 5), np.nan)
    telemetry[:, 0], telemetry[:, 1] = np.minimum(rates, 1e7), link.rtt_ms
    return History(SAMPLE_A_MINUTE_S * np.arange(SAMPLES), telemetry)


def forecasts(service: LocalService, link: Link, *series: Floats) -> list[Forecast]:
    return service.forecasts(
        [Query(history(link, rates), allocation=ADVICE, as_of_newest=True) for rates in series]
    )


def largest_move(one: Forecast, other: Forecast) -> float:
    """Return the largest relative difference of the points over the horizons."""
    pairs = zip(one.horizons, other.horizons, strict=True)
    return max(abs(b.bandwidth_mbps / a.bandwidth_mbps - 1) for a, b in pairs)


def with_outlier(link: Link, place: int, factor: float) -> Floats:
    rates = link.rates()
    rates[place] *= factor
    return rates


def is_outlier(rates: Floats, place: int) -> bool:
    """Return whether a rate is outside a third to three times of the 30 before and the next."""
    around = np.delete(rates[max(0, place - 30) : place + 2], min(place, 30))
    return bool(rates[place] > 3 * around.max() or 3 * rates[place] < around.min())


def stored_mode(samples: History) -> LinkMode:
    """Return the link's mode after every sample was stored."""
    mode = LinkMode()
    for count in range(10, SAMPLES + 1):
        newest_us = int(samples.timestamps_s[count - 1] * 1e6)
        mode = mode.after(samples.telemetry[count - 10 : count], newest_us)
    return mode


@given(links, places, factors)
@settings(max_examples=150, deadline=None)
@example(Link(80.0, 0.03, np.nan, 0), 57, 4349.0)
def test_an_outlier_moves_no_point_by_more_than_a_twentieth(service, link, place, factor):
    rates = with_outlier(link, place, factor)
    assume(is_outlier(rates, place))
    usual, odd = forecasts(service, link, link.rates(), rates)
    assert largest_move(usual, odd) <= MOST
    assert (odd.mode, odd.source) == (usual.mode, usual.source)
    assert "outlier" in odd.reasons


def test_nine_of_ten_outliers_move_points_by_less_than_a_hundredth(service):
    rng = np.random.default_rng(0)
    moves = []
    for seed in range(60):
        mbps, rtt_ms = (float(rng.uniform(2, 700)), 30.0) if seed % 2 else (9_400.0, 0.3)
        link = Link(mbps, float(rng.uniform(0, 0.05)), rtt_ms, seed)
        factor = float(10 ** rng.uniform(0.6, 6) if rng.random() < 0.5 else rng.uniform(0, 0.28))
        odd = with_outlier(link, int(rng.integers(5, SAMPLES - 1)), factor)
        moves.append(largest_move(*forecasts(service, link, link.rates(), odd)))
    assert np.quantile(moves, 0.9) <= USUALLY


@given(links, places, factors)
@settings(max_examples=50, deadline=None)
def test_an_outlier_changes_no_stored_mode(link, place, factor):
    series = (link.rates(), with_outlier(link, place, factor))
    usual, odd = (stored_mode(history(link, rates)) for rates in series)
    assert odd == usual
    assert odd.switches == 0


@pytest.mark.parametrize("place", [0, 30, SAMPLES - 1])
@pytest.mark.parametrize("rtt_ms", [25.0, 400.0, 600_030.0])
def test_one_slow_ping_changes_no_stored_mode(rtt_ms, place):
    link = Link(9_400.0, 0.02, 0.3, 0)
    odd = history(link, link.rates())
    odd.telemetry[place, 1] = rtt_ms
    mode = stored_mode(odd)
    assert (mode.mode, mode.candidate, mode.switches) == (DATACENTER, None, 0)


@given(links, factors)
@settings(max_examples=50, deadline=None)
@example(Link(80.0, 0.0, np.nan, 0), 4349.0)
def test_a_newest_outlier_is_named_and_advice_stays_within_the_usual(service, link, factor):
    rates = with_outlier(link, SAMPLES - 1, factor)
    assume(is_outlier(rates, SAMPLES - 1))
    usual, odd = forecasts(service, link, link.rates(), rates)
    assert "outlier" in odd.reasons
    assert odd.mode is usual.mode
    highest_mbps = float(np.quantile(rates[:-1], 0.9))
    assert odd.allocation.safe_rate_mbps <= highest_mbps
    assert odd.allocation.pacing_total_mbps <= highest_mbps
    assert odd.horizons[0].confidence < usual.horizons[0].confidence


@pytest.mark.parametrize("rtt_ms", [600_030.0, 900_000.0])
@pytest.mark.parametrize("place", [0, 30, SAMPLES - 1])
def test_a_sentinel_round_trip_time_changes_nothing(service, rtt_ms, place):
    link = Link(9_400.0, 0.02, 0.3, 0)
    usual, odd = history(link, link.rates()), history(link, link.rates())
    odd.telemetry[place, 1] = rtt_ms
    one, other = service.forecasts([Query(usual, as_of_newest=True), Query(odd, as_of_newest=True)])
    assert largest_move(one, other) <= USUALLY
    assert (other.mode, other.source, other.reasons) == (DATACENTER, "model", ("outlier",))
    assert other.latency_ms == pytest.approx(one.latency_ms, rel=0.05)
