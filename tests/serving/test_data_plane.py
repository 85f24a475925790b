"""What callers of any protocol reach: admission, counting, and forecasts with or without a link."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pba.errors import Busy, InvalidHistory, NotFound, PBAError, StoreUnavailable
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.security import LOCAL
from pba.serving.data_plane import DataPlane
from pba.store import Receipt, SampleReport
from pba.types import Forecast
from tests.serving.link_harness import LinkHarness, history, open_links, report, without_store
from tests.serving.toy_models import ToyModel


class Meter:
    """Records what it counts."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []
        self.forecasts: list[Forecast] = []
        self.seconds: list[float] = []
        self.bulk: list[list[str]] = []
        self.samples = {"stored": 0, "lost": 0}

    def count_error(self, call: str, error: PBAError) -> None:
        self.errors.append((call, error.code))

    def count_forecast(self, forecast: Forecast, seconds: float) -> None:
        self.forecasts.append(forecast)
        self.seconds.append(seconds)

    def count_bulk(self, items: Sequence[Forecast | PBAError]) -> None:
        self.bulk.append([type(item).__name__ for item in items])

    def count_samples(self, receipts: Sequence[Receipt]) -> None:
        self.samples["stored"] += sum(receipt.accepted for receipt in receipts)

    def count_lost_samples(self, reports: Sequence[SampleReport]) -> None:
        self.samples["lost"] += sum(len(report.timestamps_s) for report in reports)


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[LinkHarness]:
    async with open_links(tmp_path, {"internet": ToyModel("internet")}) as opened:
        yield opened


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def plane(harness: LinkHarness, meter: Meter) -> DataPlane:
    return DataPlane(harness.forecasts, harness.links, 2, meter)


def test_one_request_over_the_limit_is_refused_and_a_free_slot_is_used_again(
    plane: DataPlane, meter: Meter
):
    with plane.admit("forecast"):
        with plane.admit("forecast"):
            with pytest.raises(Busy, match="2 requests"), plane.admit("samples"):
                pass
            assert meter.errors == [("samples", "busy")]
        with plane.admit("forecast") as started:
            assert started <= time.perf_counter()


def test_an_error_inside_frees_the_slot_and_is_counted_if_it_is_one_of_pba(
    plane: DataPlane, meter: Meter
):
    for error in (NotFound("no link"), KeyError()):
        for _ in range(3):
            with pytest.raises(type(error)), plane.admit("link_forecast"):
                raise error
    with plane.admit("forecast"):
        pass
    assert meter.errors == [("link_forecast", "not_found")] * 3


async def test_a_forecast_is_counted_with_its_latency(plane: DataPlane, meter: Meter):
    forecast = await plane.forecast(Query(history(60)), time.perf_counter() - 5.0)
    assert meter.forecasts == [forecast]
    assert 5.0 < meter.seconds[0] < 60.0


async def test_only_the_history_of_a_named_link_is_stored(plane: DataPlane, harness: LinkHarness):
    anonymous = await plane.forecast(Query(history(60)), 0.0)
    assert harness.batches == []
    named = await plane.forecast(Query(history(60), link_id="a"), 0.0)
    await harness.links.drain()
    assert (anonymous.horizons, named.link_id) == (named.horizons, "a")
    samples, forecasts = harness.store.history("a", 0, 9e9, 100)
    assert (len(samples), len(forecasts)) == (60, 1)


async def test_a_bulk_request_has_errors_in_their_places_and_is_counted_once(
    plane: DataPlane, meter: Meter
):
    refused = InvalidHistory("history has 0 samples", "history")
    queries = [Query(history(60)), refused, Query(history(1)), Query(history(60), link_id="a")]
    items = await plane.forecasts(queries)
    assert items[1] is refused
    assert meter.bulk == [["Forecast", "InvalidHistory", "InvalidHistory", "Forecast"]]
    assert meter.forecasts == []


async def test_stored_links_are_forecast_by_name_with_advice_if_requested(
    plane: DataPlane, meter: Meter
):
    receipts = await plane.observe([report("a", 70), report("b", 70)])
    assert [receipt.accepted for receipt in receipts] == [70, 70]
    plain = await plane.link_forecast("a", None, 0.0)
    assert (plain.link_id, plain.allocation) == ("a", None)
    advised = await plane.link_forecast("a", AllocationRequest(), 0.0)
    assert advised.allocation is not None
    first, unknown = await plane.link_forecasts(["b", "unknown"], AllocationRequest())
    assert isinstance(first, Forecast)
    assert (first.link_id, first.allocation is None) == ("b", False)
    assert isinstance(unknown, NotFound)
    assert (len(meter.forecasts), meter.bulk) == (2, [["Forecast", "NotFound"]])


async def test_reads_of_the_store_are_admitted_and_their_errors_counted(
    plane: DataPlane, harness: LinkHarness, meter: Meter
):
    assert await plane.read_store(harness.store.links, None, "", 10) == []
    with pytest.raises(NotFound):
        await plane.read_store(harness.store.link, "unknown")
    with plane.admit("forecast"), plane.admit("forecast"):
        assert await plane.read_store(harness.store.links, None, "", 10) == []
    assert meter.errors == [("links", "not_found")]


async def test_slow_reports_are_refused_and_leave_room_for_forecasts_and_flags(
    plane: DataPlane, harness: LinkHarness, meter: Meter
):
    answered = threading.Event()
    slow = asyncio.create_task(plane.read_store(answered.wait, 30))
    try:
        await asyncio.sleep(0)  # it is admitted now
        assert plane.in_flight == 1
        with pytest.raises(Busy, match="1 reports are in flight"):
            await plane.read_store(harness.store.links, None, "", 10)
        assert (await plane.call_flags(harness.store.flags)).version == 0
        assert (await plane.forecast(Query(history(60)), 0.0)).horizons
    finally:
        answered.set()
    assert await slow
    assert meter.errors == [("links", "busy")]
    assert plane.in_flight == 0


async def test_flags_are_read_and_changed_while_a_router_has_all_the_requests_it_takes(
    plane: DataPlane, harness: LinkHarness
):
    with plane.admit("forecast"), plane.admit("forecast"):
        state = await plane.call_flags(
            harness.store.change_flags, {"force_v1_mode": True}, 0, LOCAL
        )
    assert state.flags.force_v1_mode


async def test_a_plane_without_a_store_is_not_ready(plane: DataPlane, meter: Meter, tmp_path: Path):
    await plane.ready()
    absent = without_store(tmp_path)
    with pytest.raises(StoreUnavailable):
        await DataPlane(absent.forecasts, absent.links, 2, meter).ready()


async def test_samples_are_counted_as_stored_or_as_lost(
    plane: DataPlane, meter: Meter, tmp_path: Path
):
    await plane.observe([report("a", 5)])
    await plane.observe_and_forecast([report("a", 2, first=5)], None, time.perf_counter())
    assert meter.samples == {"stored": 7, "lost": 0}
    absent = without_store(tmp_path)
    broken = DataPlane(absent.forecasts, absent.links, 2, meter)
    with pytest.raises(StoreUnavailable):
        await broken.observe([report("a", 3)])
    with pytest.raises(StoreUnavailable):
        await broken.observe_and_forecast([report("a", 4)], None, time.perf_counter())
    assert meter.samples == {"stored": 7, "lost": 7}
