"""Links whose measurements are wrong, reported to the store and forecast by name, sample by sample.

The shipped models answer, without Ray; each case stands for public bug reports of other tools.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.rollout import Flags
from pba.types import COLUMNS, Floats
from tests.regression.replay import StoredLinks

START_S = 1_772_366_400.0


def telemetry(mbps: Floats, rtt_ms: float | None = None) -> Floats:
    rows = np.full((len(mbps), len(COLUMNS)), np.nan)
    rows[:, 0] = mbps
    if rtt_ms is not None:
        rows[:, 1] = rtt_ms * np.exp(np.random.default_rng(5).normal(0, 0.1, len(mbps)))
    return rows


def steady(count: int, mbps: float = 80.0) -> Floats:
    return mbps * np.exp(np.random.default_rng(4).normal(0, 0.03, count))


@pytest.fixture
async def links(tmp_path: Path) -> AsyncIterator[StoredLinks]:
    stored = StoredLinks(tmp_path / "pba.db", Flags())
    yield stored
    stored.store.close()


async def forecasts(
    links: StoredLinks, times_s: Floats, rows: Floats, first: int, clock_s: Floats | None = None
) -> list[dict[str, Any]]:
    """Report the samples before ``first`` at once and the others one by one; forecast after each.

    Each forecast has the receipt beside it. Without ``clock_s`` a sample is reported when it was
    measured.
    """
    clock_s = times_s if clock_s is None else clock_s
    links.now_s = float(clock_s[first - 1])
    await links.observe("a", times_s[:first], rows[:first])
    results = []
    for at in range(first, len(times_s)):
        links.now_s = float(clock_s[at]) + 0.1
        receipt = await links.observe("a", times_s[at : at + 1], rows[at : at + 1])
        results.append(await links.forecast("a", {"quantile": 0.5}) | {"receipt": receipt})
        links.scorer.score_due()
    return results


async def test_a_counter_reset_at_a_sample_a_minute(links: StoredLinks):
    rates = steady(100)
    rates[80] = 4349.0
    times_s = START_S + 60.0 * np.arange(100)
    results = await forecasts(links, times_s, telemetry(rates), 64)
    spiked, after = results[80 - 64], results[81 - 64 :]
    assert {result["mode"] for result in results} == {"internet"}
    assert "outlier" in spiked["reasons"]
    assert spiked["allocation"]["pacing_total_mbps"] <= np.quantile(rates[21:80], 0.9)
    assert spiked["confidence"] < 0.6
    assert all("outlier" in result["reasons"] for result in after)
    assert all(abs(result["bandwidth_mbps"] - 80.0) < 8.0 for result in after)
    past = links.store.history("a", 0.0, 4e9, 1000)[1]
    actuals = {mbps for row in past for mbps in row["actual_mbps"].values()}
    assert 4349.0 not in actuals
    assert len(actuals) > 30
    assert [event.kind for event in links.store.events()] == []


async def test_a_failed_ping_logged_as_ten_minutes(links: StoredLinks):
    rows = telemetry(steady(70, 9400.0), 0.3)
    rows[[40, 50], 1] = 600_030.0
    results = await forecasts(links, START_S + np.arange(70.0), rows, 32)
    assert {result["mode"] for result in results} == {"datacenter"}
    assert all(result["latency_ms"] < 1.0 for result in results)
    assert "outlier" in results[40 - 32]["reasons"]


async def test_one_latency_spike_and_one_zero_at_30_s(links: StoredLinks):
    rows = telemetry(steady(80, 4000.0), 2.0)
    rows[45, 1], rows[60, 0] = 900.0, 0.0
    results = await forecasts(links, START_S + 30.0 * np.arange(80), rows, 35)
    assert {(result["mode"], result["source"]) for result in results} == {("datacenter", "model")}
    assert links.store.link("a").as_dict()["mode_switches"] == 0


async def test_two_agents_a_second_apart(links: StoredLinks):
    starts = START_S + 15.0 * np.arange(90)
    times_s = np.sort(np.concatenate([starts, starts + 1.0]))
    results = await forecasts(links, times_s, telemetry(steady(180)), 130)
    kinds = {(result["source"], result["step_s"], *result["reasons"]) for result in results}
    assert kinds == {("model", 15.0)}
    past = links.store.history("a", 0.0, 4e9, 1000)[1]
    assert sum(1 in row["actual_mbps"] for row in past) > 40


async def test_bursts_every_hour(links: StoredLinks):
    times_s = (START_S + 3600.0 * np.arange(70)[:, None] + np.arange(4.0)).ravel()
    results = await forecasts(links, times_s, telemetry(steady(280)), 262)
    assert {(result["source"], result["step_s"]) for result in results} == {("model", 3600.0)}


async def test_polling_jitter_and_a_lost_sample(links: StoredLinks):
    rng = np.random.default_rng(1)
    times_s = START_S + np.delete(np.arange(101.0) + rng.uniform(-0.2, 0.2, 101), 80)
    results = await forecasts(links, times_s, telemetry(steady(100)), 70)
    assert {result["source"] for result in results} == {"model"}
    assert all("irregular_window" not in result["reasons"] for result in results)


async def test_a_newest_sample_of_hours_or_weeks_ago(links: StoredLinks):
    times_s, rows = START_S + np.arange(70.0), telemetry(steady(70))
    (fresh,) = await forecasts(links, times_s, rows, 69)
    confidence = [fresh["confidence"]]
    for age_s in (60.0, 7200.0, 20 * 86_400.0):
        links.now_s = times_s[-1] + age_s
        result = await links.forecast("a")
        assert "stale" in result["reasons"]
        assert result["age_s"] == pytest.approx(age_s)
        assert result["valid_until"] == fresh["valid_until"]
        confidence.append(result["confidence"])
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[0] > 0.9
    assert confidence[2] < 0.7
    assert confidence[3] < 0.4


async def test_a_clock_four_minutes_ahead_that_is_set_right(links: StoredLinks):
    clock_s = START_S + np.arange(100.0)
    times_s = np.where(np.arange(100) < 75, clock_s + 240.0, clock_s)
    results = await forecasts(links, times_s, telemetry(steady(100)), 65, clock_s)
    right = results[75 - 65 :]
    assert all(result["receipt"]["late"] == 0 for result in right)
    assert all(abs(result["age_s"]) < 1.0 for result in right)


async def test_rates_in_bits_per_second(links: StoredLinks):
    results = await forecasts(links, START_S + np.arange(70.0), telemetry(steady(70, 5.95e6)), 65)
    for result in results:
        assert "unit_suspected" in result["reasons"]
        assert result["receipt"]["reasons"] == ["unit_suspected"]


@pytest.mark.parametrize("mbps", [0.0, 80.0, 1e7])
async def test_a_constant_rate(links: StoredLinks, mbps: float):
    results = await forecasts(links, START_S + np.arange(70.0), telemetry(np.full(70, mbps)), 66)
    for result in results:
        assert result["bandwidth_mbps"] == pytest.approx(mbps, rel=0.05)
        assert "outlier" not in result["reasons"]


async def test_a_rate_then_zeros(links: StoredLinks):
    rates = np.zeros(70)
    rates[0] = 0.556
    results = await forecasts(links, START_S + np.arange(70.0), telemetry(rates), 50)
    assert all(result["bandwidth_mbps"] == 0.0 for result in results)


async def test_zeros_every_other_sample(links: StoredLinks):
    rates = steady(80)
    rates[1::2] = 0.0
    results = await forecasts(links, START_S + np.arange(80.0), telemetry(rates), 70)
    assert {result["mode"] for result in results} == {"internet"}
    assert all(result["horizons"][0]["quantiles"]["0.95"] > 0 for result in results)
    assert all(result["confidence"] < 0.9 for result in results)


async def test_an_outage_and_its_end(links: StoredLinks):
    rates = steady(110)
    rates[70:80] = 0.0
    results = await forecasts(links, START_S + np.arange(110.0), telemetry(rates), 65)
    during, after = results[75 - 65 : 80 - 65], results[90 - 65 :]
    assert all(result["bandwidth_mbps"] < 8.0 for result in during)
    assert all(abs(result["bandwidth_mbps"] - 80.0) < 16.0 for result in after)


async def test_a_sender_that_paces_by_the_advice_and_reports_what_the_link_could_carry(
    links: StoredLinks,
):
    """As docs/allocation.md says: a rate reported as low as it was paced would sink for ever."""
    times_s, rows = START_S + np.arange(90.0), telemetry(steady(90))
    links.now_s = times_s[64]
    await links.observe("a", times_s[:65], rows[:65])
    for at in range(65, 90):
        links.now_s = times_s[at]
        advice = (await links.forecast("a", {}))["allocation"]
        rows[at, COLUMNS.index("throughput_mbps")] = advice["pacing_total_mbps"]
        await links.observe("a", times_s[at : at + 1], rows[at : at + 1])
    assert 70.0 < (await links.forecast("a"))["bandwidth_mbps"] < 90.0
