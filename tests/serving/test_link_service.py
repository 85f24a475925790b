"""Named links without Ray: what is stored and recorded, and forecasts from it."""

import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pba.errors import InvalidHistory, InvalidSample, NotFound, StoreUnavailable
from pba.forecasting import ForecastResult, Query, planning
from pba.forecasting.allocation import AllocationRequest
from pba.rollout import Flags
from pba.serving import forecast_service, link_service
from pba.serving.chunking import CHUNK, in_chunks
from pba.serving.pools import DEFAULT_POOL
from pba.types import NetworkMode
from tests.serving.link_harness import LinkHarness, history, open_links, report, without_store
from tests.serving.toy_models import ToyModel, busy
from tests.store.builders import settle


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    async with open_links(tmp_path) as opened:
        yield opened


@pytest.fixture
async def both_arms(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    models = {"internet": ToyModel("internet"), "v1": ToyModel("v1")}
    async with open_links(tmp_path, models) as opened:
        yield opened


async def test_a_link_is_forecast_from_its_reports(harness: LinkHarness):
    await harness.links.observe([report("a", 70), report("b", 70, mbps=5.0)])
    result = await harness.links.forecast("a")
    assert (result.forecast.link_id, result.forecast.mode) == ("a", NetworkMode.INTERNET)
    assert result.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.05)
    await harness.links.drain()
    assert len(harness.store.history("a", 0, 9e9, 10)[1]) == 1


async def test_many_links_are_answered_in_order_each_with_its_own_error(harness: LinkHarness):
    await harness.links.observe([report("a", 70), report("short", 1)])
    first, unknown, short = await harness.links.forecasts(["a", "unknown", "short"])
    assert isinstance(first, ForecastResult)
    assert isinstance(unknown, NotFound)
    assert isinstance(short, InvalidHistory)
    with pytest.raises(NotFound, match="unknown"):
        await harness.links.forecast("unknown")


async def test_more_links_than_one_chunk_are_answered_and_recorded_in_order(harness: LinkHarness):
    link_ids = [f"l{number}" for number in range(2 * CHUNK + 10)]
    rates = [10.0 + number for number in range(len(link_ids))]
    reports = [report(name, 70, mbps) for name, mbps in zip(link_ids, rates, strict=True)]
    await harness.links.observe(reports)
    results = await harness.links.forecasts(link_ids)
    for link_id, mbps, result in zip(link_ids, rates, results, strict=True):
        assert isinstance(result, ForecastResult)
        assert result.forecast.link_id == link_id
        assert result.forecast.bandwidth_mbps == pytest.approx(mbps, rel=0.05)
    await harness.links.drain()
    assert all(len(harness.store.history(name, 0, 9e9, 100)[1]) == 1 for name in link_ids)


async def test_each_of_300_stored_links_is_planned_once_in_one_pass_of_chunks(
    harness: LinkHarness, monkeypatch: pytest.MonkeyPatch
):
    link_ids = [f"l{number}" for number in range(300)]
    await harness.links.observe([report(name, 5) for name in link_ids])
    planned, passes = [], []
    plan_forecast = planning.plan_forecast

    def count_plan(query: Query, *options: object) -> object:
        planned.append(query.link_id)
        return plan_forecast(query, *options)  # type: ignore[arg-type]

    async def count_pass(items: Sequence[object], work: object, at_once: int) -> object:
        passes.append(len(items))
        return await in_chunks(items, work, at_once)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "plan_forecast", count_plan)
    monkeypatch.setattr(forecast_service, "in_chunks", count_pass)
    monkeypatch.setattr(link_service, "in_chunks", count_pass)
    results = await harness.links.forecasts(link_ids)
    assert all(isinstance(result, ForecastResult) for result in results)
    assert sorted(planned, key=lambda name: int(str(name)[1:])) == link_ids
    assert passes == [300]
    planned.clear()
    passes.clear()
    await harness.links.given.forecasts([Query(history(5), None, link_id) for link_id in link_ids])
    assert sorted(planned, key=lambda name: int(str(name)[1:])) == link_ids
    assert passes == [300]


async def test_a_given_history_of_a_named_link_is_stored_with_its_forecast(harness: LinkHarness):
    result = await harness.links.given.forecast(Query(history(70), None, "a"))
    assert "not_recorded" not in result.forecast.reasons
    await harness.links.drain()
    samples, forecasts = harness.store.history("a", 0, 9e9, 100)
    assert (len(samples), len(forecasts)) == (70, 1)
    again = await harness.links.given.forecast(Query(history(70), None, "a"))
    await harness.links.drain()
    assert again.points_mbps == result.points_mbps
    assert len(harness.store.history("a", 0, 9e9, 100)[1]) == 1, "one time is stored once"


async def test_of_many_given_histories_those_of_named_links_are_stored(harness: LinkHarness):
    refused = InvalidSample("packet_loss is 7", "history[0].packet_loss")
    results = await harness.links.given.forecasts(
        [
            Query(history(70), None, "a"),
            Query(history(70, first=1), None, "a"),
            Query(history(70, mbps=5.0)),
            refused,
            Query(history(3, first=1400), None, "future"),
            Query(history(1), None, "short"),
            Query(history(70, mbps=8.0), None, "b"),
        ]
    )
    assert len(harness.batches) == 1, "one transaction for all histories"
    rates = [20.0, 20.0, 5.0, None, None, None, 8.0]
    for item, mbps in zip(results, rates, strict=True):
        if isinstance(item, ForecastResult):
            assert item.forecast.bandwidth_mbps == pytest.approx(mbps, rel=0.05)
            assert "not_recorded" not in item.forecast.reasons
        else:
            assert mbps is None
    assert results[3] is refused
    assert isinstance(results[4], InvalidSample)
    assert results[4].field == "history[0].timestamp"
    assert isinstance(results[5], InvalidHistory)
    await harness.links.drain()
    assert len(harness.batches) == 2, "and one for all forecasts"
    assert [link.link_id for link in harness.store.links(None, "", 10)] == ["a", "b"]
    samples, forecasts = harness.store.history("a", 0, 9e9, 100)
    assert (len(samples), len(forecasts)) == (71, 2)


async def test_the_stored_mode_and_record_of_a_named_link_are_used(harness: LinkHarness):
    await harness.links.observe([report("a", 70, mbps=5000.0)])
    result = await harness.links.given.forecast(Query(history(5, first=80), None, "a"))
    assert result.forecast.mode is NetworkMode.DATACENTER, "not that of five slow samples"
    assert {member.name for member in result.forecast.members} == {
        "last_value",
        "ewma",
        "harmonic_mean",
    }


async def test_histories_without_a_link_do_not_touch_the_store(tmp_path: Path):
    harness = without_store(tmp_path)
    (result,) = await harness.links.given.forecasts([Query(history(70))])
    assert isinstance(result, ForecastResult)
    assert "model_unavailable" in result.forecast.reasons
    assert harness.batches == []


async def test_histories_of_more_rows_than_one_transaction_are_written_in_several(
    harness: LinkHarness,
):
    queries = [Query(history(250), None, f"link{number}") for number in range(81)]
    results = await harness.links.given.forecasts(queries)
    assert all(isinstance(result, ForecastResult) for result in results)
    assert [len(batch.reports) for batch in harness.batches] == [80, 1]
    assert len(harness.store.links(None, "", 100)) == 81


async def test_misses_lower_the_confidence_of_a_link(harness: LinkHarness):
    for step in range(20):
        mbps = 60.0 if step % 2 else 20.0  # neither the last value nor a mean is in band
        await harness.links.observe([report("a", 1, mbps, first=step)])
        if step > 1:
            await harness.links.forecast("a")
            await harness.links.drain()
            settle(harness.store)
    record = harness.store.link("a").record
    assert (record.scored, record.hits) == (17, 0)
    result = await harness.links.forecast("a")
    assert result.forecast.confidence < result.confidence[0]


@pytest.mark.parametrize(("percentage", "served"), [(0, "v1"), (100, "v3")])
async def test_in_shadow_mode_both_arms_are_recorded_and_one_is_served(
    both_arms: LinkHarness, percentage: int, served: str
):
    links = both_arms.links
    both_arms.flags.current = Flags(v3_rollout_percentage=percentage, shadow=True)
    await links.observe([report("a", 70)])
    first = await links.forecast("a")
    (second, unknown) = await links.forecasts(["a", "unknown"])
    await links.given.forecast(Query(history(70), None, "b"))
    assert isinstance(second, ForecastResult)
    assert isinstance(unknown, NotFound)
    assert {first.arm, second.arm} == {served}
    await links.drain()
    for link_id in ("a", "b"):
        forecasts = both_arms.store.history(link_id, 0, 9e9, 10)[1]
        assert {forecast["arm"]: forecast["served"] for forecast in forecasts} == {
            "v1": served == "v1",
            "v3": served == "v3",
        }


async def test_without_shadow_mode_one_arm_forecasts(both_arms: LinkHarness):
    await both_arms.links.observe([report("a", 70)])
    await both_arms.links.forecast("a")
    await both_arms.links.drain()
    (forecast,) = both_arms.store.history("a", 0, 9e9, 10)[1]
    assert (forecast["arm"], forecast["served"]) == ("v3", True)


async def test_an_arm_that_fails_in_shadow_mode_costs_the_caller_nothing(tmp_path: Path):
    async with open_links(tmp_path, {"internet": ToyModel("internet"), "v1": busy}) as harness:
        harness.flags.current = Flags(shadow=True)
        await harness.links.observe([report("a", 70)])
        assert (await harness.links.forecast("a")).forecast.source == "model"
        await harness.links.drain()
        assert len(harness.store.history("a", 0, 9e9, 10)[1]) == 1


async def test_a_read_of_the_store_has_a_deadline_and_passes_results_and_errors(tmp_path: Path):
    answered = threading.Event()
    async with open_links(tmp_path, store_deadline_s=0.05) as harness:
        with pytest.raises(StoreUnavailable, match=r"not answered within 0\.05 s"):
            await harness.links.call_store(DEFAULT_POOL, answered.wait, 10)
        answered.set()
    async with open_links(tmp_path) as harness:
        assert await harness.links.call_store(DEFAULT_POOL, harness.store.links, None, "", 10) == []
        with pytest.raises(NotFound, match="unknown"):
            await harness.links.call_store(DEFAULT_POOL, harness.store.link, "unknown")


async def test_samples_from_the_future_are_refused_each_for_itself(harness: LinkHarness):
    straddling = report("b", 5, first=1298)  # the limit is at 1300 s
    first, second, third = await harness.links.observe(
        [report("a", 5), straddling, report("future", 2, first=9999)]
    )
    assert (first.accepted, first.refused) == (5, ())
    assert second.accepted == 3
    assert [(one.index, one.link_id) for one in second.refused] == [(3, "b"), (4, "b")]
    assert second.refused[0].error.field == "samples[3].timestamp"
    assert "over 300 s ahead" in second.refused[0].error.message
    assert "Set the clocks" in second.refused[0].error.message
    assert (third.accepted, third.mode, len(third.refused)) == (0, None, 2)
    assert harness.store.link_contexts(["a", "b", "future"]).keys() == {"a", "b"}


async def test_a_report_without_a_valid_sample_writes_nothing(harness: LinkHarness):
    (receipt,) = await harness.links.observe([report("future", 2, first=9999)])
    assert (receipt.accepted, len(receipt.refused)) == (0, 2)
    assert harness.batches == []


async def test_values_that_were_ignored_are_counted_and_noted(harness: LinkHarness):
    counted = replace(report("a", 3), ignored=np.array([0, 2, 1]))
    (receipt,) = await harness.links.observe([counted])
    assert (receipt.accepted, receipt.ignored) == (3, 3)
    query = Query(history(70), None, "b", ignored_values=True)
    result = await harness.links.given.forecast(query)
    assert "ignored_values" in result.forecast.reasons


async def test_without_a_store_a_given_history_is_forecast_with_the_reason(tmp_path: Path):
    harness = without_store(tmp_path)
    result = await harness.links.given.forecast(Query(history(70), None, "a"))
    assert "not_recorded" in result.forecast.reasons
    assert result.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.05)
    for call in (harness.links.forecast("a"), harness.links.observe([report("a", 1)])):
        with pytest.raises(StoreUnavailable, match="store is away"):
            await call


async def test_advice_comes_with_a_forecast_if_it_is_requested(harness: LinkHarness):
    await harness.links.observe([report("a", 70)])
    assert (await harness.links.forecast("a")).forecast.allocation is None
    request = AllocationRequest(max_streams=2)
    advice = (await harness.links.forecast("a", request)).forecast.allocation
    assert advice is not None
    assert advice.streams == 2
    assert advice.safe_rate_mbps <= 20.0
