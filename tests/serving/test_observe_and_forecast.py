"""Report and request in one call: samples are stored, and forecasts complete with them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.errors import InvalidHistory, InvalidInput, NotFound, PBAError, StoreUnavailable
from pba.forecasting import ForecastResult
from pba.forecasting.allocation import AllocationRequest
from pba.serving.chunking import CHUNK
from pba.serving.sample_reports import sample_reports
from pba.types import Forecast, SampleTable
from tests.regression.closeness import differences
from tests.serving.link_harness import START_S, LinkHarness, open_links, report, without_store
from tests.serving.toy_models import ToyModel


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    async with open_links(tmp_path, {"internet": ToyModel("internet")}) as opened:
        yield opened


def document(item: ForecastResult | PBAError | Forecast) -> dict[str, Any]:
    assert not isinstance(item, PBAError)
    forecast = item if isinstance(item, Forecast) else item.forecast
    return forecast.as_dict()


async def test_the_forecast_is_that_of_a_call_by_name_afterwards(harness: LinkHarness):
    await harness.links.observe([report("a", 59), report("b", 70, mbps=5.0)])
    reports = [report("a", 1, 22.0, first=59), report("b", 3, 6.0, first=70), report("new", 2)]
    pairs = await harness.links.observe_and_forecast(reports)
    assert [receipt.accepted for receipt, _ in pairs] == [1, 3, 2]
    for one, (_, item) in zip(reports, pairs, strict=True):
        again = await harness.links.forecast(one.link_id)
        assert differences(document(item), document(again), one.link_id) == []
        assert isinstance(item, ForecastResult)
        assert item.after_s == one.timestamps_s[-1]
    completed = pairs[0][1]
    assert isinstance(completed, ForecastResult)
    assert completed.forecast.source == "model", "the 60th sample completes the window"


async def test_the_forecast_is_recorded_and_scored_like_one_by_name(harness: LinkHarness):
    await harness.links.observe_and_forecast([report("a", 70)])
    await harness.links.drain()
    (stored,) = harness.store.history("a", 0, 9e9, 100)[1]
    assert (stored["arm"], stored["served"]) == ("v3", True)


async def test_one_transaction_writes_and_reads(
    harness: LinkHarness, monkeypatch: pytest.MonkeyPatch
):
    await harness.links.observe([report("a", 59)])

    def fail(*_: object) -> None:
        raise AssertionError("the store is read again")

    monkeypatch.setattr(harness.store, "link_contexts", fail)
    await harness.links.observe_and_forecast([report("a", 1, first=59), report("b", 3)])
    await harness.links.drain()
    reported, recorded = harness.batches[1:]
    assert (len(reported.reports), reported.with_contexts) == (2, True)
    assert len(recorded.forecasts) == 2


async def test_advice_comes_with_the_forecast_if_it_is_requested(harness: LinkHarness):
    ((_, item),) = await harness.links.observe_and_forecast(
        [report("a", 70)], AllocationRequest(max_streams=2)
    )
    advice = document(item)["allocation"]
    assert advice["streams"] == 2


async def test_a_forecast_may_be_as_of_the_newest_sample(harness: LinkHarness):
    ((_, item),) = await harness.links.observe_and_forecast([report("a", 70)], None, True)
    assert document(item)["age_s"] == 0.0


async def test_what_is_wrong_with_one_link_costs_no_other(harness: LinkHarness):
    await harness.links.observe([report("known", 70)])
    refused = [report("known", 2, first=9999), report("unknown", 2, first=9999)]
    reports = [report("a", 70), report("short", 1), *refused]
    pairs = await harness.links.observe_and_forecast(reports)
    good, short, known, unknown = (item for _, item in pairs)
    assert isinstance(good, ForecastResult)
    assert isinstance(short, InvalidHistory)
    by_name = document(await harness.links.forecast("known"))
    assert differences(document(known), by_name, "known") == []
    assert isinstance(unknown, NotFound)
    assert [receipt.accepted for receipt, _ in pairs] == [70, 1, 0, 0]
    assert [len(receipt.refused) for receipt, _ in pairs] == [0, 0, 2, 2]


async def test_a_name_that_no_link_can_have_is_the_error_of_its_item(harness: LinkHarness):
    table = SampleTable.of(START_S + np.arange(3.0), np.full((3, 5), 20.0))
    reports = sample_reports(table, ["no name", "a", "a"])
    bad, good = await harness.links.observe_and_forecast(reports)
    assert isinstance(bad[1], InvalidInput)
    assert len(bad[0].refused) == 1
    assert isinstance(good[1], ForecastResult | PBAError)
    assert good[0].accepted == 2


async def test_more_links_than_a_chunk_are_answered_and_recorded_in_order(harness: LinkHarness):
    names = [f"l{number}" for number in range(CHUNK + 5)]
    pairs = await harness.links.observe_and_forecast(
        [report(name, 3, 10.0 + number) for number, name in enumerate(names)]
    )
    for number, (name, (_, item)) in enumerate(zip(names, pairs, strict=True)):
        assert isinstance(item, ForecastResult)
        assert item.forecast.link_id == name
        assert item.forecast.bandwidth_mbps == pytest.approx(10.0 + number, rel=0.05)
    await harness.links.drain()
    assert all(len(harness.store.history(name, 0, 9e9, 10)[1]) == 1 for name in names)


async def test_no_reports_get_no_receipts(harness: LinkHarness):
    assert await harness.links.observe_and_forecast([]) == []


async def test_without_a_store_the_error_carries_forecasts_from_the_reports(tmp_path: Path):
    links = without_store(tmp_path).links
    mixed = report("mixed", 70)
    shuffled = np.random.default_rng(1).permutation(70)
    mixed = replace(
        mixed,
        timestamps_s=mixed.timestamps_s[np.r_[shuffled, 3]],
        telemetry=mixed.telemetry[np.r_[shuffled, 3]],
    )
    reports = [report("a", 70), report("short", 1), mixed, report("future", 2, first=9999)]
    with pytest.raises(StoreUnavailable, match="store is away") as caught:
        await links.observe_and_forecast(reports, AllocationRequest())
    forecasts = caught.value.forecasts
    assert list(forecasts) == ["a", "short", "mixed", "future"]
    for name in ("a", "mixed"):
        forecast = forecasts[name]
        assert forecast.link_id == name
        assert forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.05)
        assert "not_recorded" in forecast.reasons
        assert forecast.allocation is not None
    assert isinstance(forecasts["short"], InvalidHistory)
    assert isinstance(forecasts["future"], InvalidHistory)


async def test_callers_that_share_a_transaction_get_their_own_forecasts(tmp_path: Path):
    links = without_store(tmp_path).links
    calls = (links.observe_and_forecast([report(name, 5)]) for name in "abc")
    errors = await asyncio.gather(*calls, links.observe([report("d", 5)]), return_exceptions=True)
    for name, error in zip(["a", "b", "c"], errors[:3], strict=True):
        assert isinstance(error, StoreUnavailable)
        assert list(error.forecasts) == [name]
    assert isinstance(errors[3], StoreUnavailable)
    assert errors[3].forecasts == {}
