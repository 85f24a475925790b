"""Forecasts of named links are recorded in the background, in shadow mode those of both arms."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from pba.errors import Busy, InvalidHistory, StoreUnavailable
from pba.forecasting import ForecastResult, Query
from pba.forecasting.allocation import AllocationRequest
from pba.rollout import Arm, Flags
from pba.scoring.transfer_sums import RecordedTransfer
from pba.serving.recorder import ForecastRecorder
from pba.store import Receipt, StoredForecast, WriteBatch
from pba.types import NetworkMode
from tests.forecasting.forecast_cases import NOW, history, results
from tests.serving.toy_models import SettableFlags

NAMED = Query(history(60, 20.0), link_id="a", allocation=AllocationRequest())
ANONYMOUS = Query(history(60, 20.0))
REFUSED = InvalidHistory("history has 1 samples", "history")


class Collaborators:
    """A store and the other arm, which record their calls; both may fail."""

    def __init__(self) -> None:
        self.forecasts: list[StoredForecast] = []
        self.transfers: list[RecordedTransfer] = []
        self.queries: list[Query] = []
        self.writes = 0
        self.store_error: Exception | None = None
        self.arm_fails = False
        self.flags = SettableFlags()
        self.recorder = ForecastRecorder(self._compare, self._commit, self.flags)

    async def _compare(self, queries: Sequence[Query]) -> list[ForecastResult]:
        self.queries += queries
        if self.arm_fails:
            return []
        return [result for query in queries for result in results([query])]

    async def _commit(self, batch: WriteBatch) -> list[Receipt]:
        self.writes += 1
        if self.store_error:
            raise self.store_error
        self.forecasts += batch.forecasts
        self.transfers += batch.transfers
        return []

    async def record(self, *queries: Query) -> None:
        self.recorder.record(queries, results(queries), time.perf_counter(), 0.25)
        await self.recorder.drain()


@pytest.fixture
def service() -> Collaborators:
    return Collaborators()


async def test_a_forecast_of_a_named_link_is_recorded_as_it_was_served(service: Collaborators):
    await service.record(NAMED)
    (result,) = results([NAMED])
    (stored,) = service.forecasts
    horizons = result.forecast.horizons
    assert (stored.link_id, stored.after_s, stored.mode) == ("a", NOW.timestamp(), "internet")
    assert (stored.source, stored.version) == ("model", "net-1")
    assert (stored.arm, stored.served, stored.step_s) == (Arm.V3, True, 1.0)
    assert stored.created_s == result.forecast.made_at.timestamp()
    assert stored.prediction == {
        "points_mbps": [horizon.bandwidth_mbps for horizon in horizons],
        "confidence": [horizon.confidence for horizon in horizons],
        "unadapted": list(result.confidence),
        "quantiles_mbps": [list(horizon.quantiles_mbps) for horizon in horizons],
        "members": {"model": list(result.points_mbps["model"])},
    }
    assert service.queries == []


async def test_what_the_store_does_not_take_is_counted(service: Collaborators):
    lost: list[int] = []
    service.recorder.on_lost = lost.append
    await service.record(NAMED)
    assert lost == []
    service.store_error = StoreUnavailable("away")
    await service.record(NAMED, NAMED)
    assert lost == [2]


async def test_recording_does_not_block_the_caller(service: Collaborators):
    service.recorder.record([NAMED], results([NAMED]), time.perf_counter(), 0.0)
    assert service.writes == 0
    await service.recorder.drain()
    assert service.writes == 1


async def test_errors_and_forecasts_without_a_link_are_not_recorded(service: Collaborators):
    (anonymous,) = results([ANONYMOUS])
    service.recorder.record([ANONYMOUS, REFUSED], [anonymous, REFUSED], time.perf_counter(), 0.0)
    await service.recorder.drain()
    assert service.writes == 0
    named = results([NAMED])
    queries = [ANONYMOUS, NAMED, REFUSED]
    service.recorder.record(queries, [anonymous, *named, REFUSED], time.perf_counter(), 0.0)
    await service.recorder.drain()
    assert [stored.link_id for stored in service.forecasts] == ["a"]


async def test_in_shadow_mode_the_other_arm_forecasts_in_the_same_mode_without_advice(
    service: Collaborators,
):
    service.flags.current = Flags(shadow=True)
    await service.record(NAMED)
    (query,) = service.queries
    assert (query.arm, query.mode, query.allocation) == (Arm.V1, NetworkMode.INTERNET, None)
    assert query.history is NAMED.history
    by_arm = {stored.arm: stored for stored in service.forecasts}
    assert {arm: stored.served for arm, stored in by_arm.items()} == {
        Arm.V3: True,
        Arm.V1: False,
    }
    assert by_arm[Arm.V1].took_ms >= 250.0, "reading the store counts for either arm"


@pytest.mark.parametrize("error", [Busy("full"), StoreUnavailable("gone")])
async def test_failures_are_logged_and_do_not_reach_anyone(
    service: Collaborators, error: Exception, caplog: pytest.LogCaptureFixture
):
    service.flags.current = Flags(shadow=True)
    service.store_error, service.arm_fails = error, True
    await service.record(NAMED)
    assert sorted(record.message for record in caplog.records) == [
        "forecast_not_recorded",
        "shadow_failed",
    ]
    assert service.forecasts == []


async def test_drain_waits_for_recordings_that_start_meanwhile(service: Collaborators):
    service.flags.current = Flags(shadow=True)
    service.recorder.record([NAMED], results([NAMED]), time.perf_counter(), 0.0)
    draining = asyncio.create_task(service.recorder.drain())
    await asyncio.sleep(0)
    service.recorder.record([NAMED], results([NAMED]), time.perf_counter(), 0.0)
    await draining
    assert len(service.forecasts) == 4


async def test_transfers_are_recorded_and_the_log_says_if_they_are_not(
    service: Collaborators, caplog: pytest.LogCaptureFixture
):
    one = RecordedTransfer("a", 0.0, 1.0, "internet", 1.0, 10, None, (1.0,) * 7)
    service.recorder.record_transfers([one])
    service.recorder.record_transfers([])
    await service.recorder.drain()
    assert (service.transfers, service.writes) == ([one], 1)
    service.store_error = StoreUnavailable("the store is away")
    service.recorder.record_transfers([one])
    await service.recorder.drain()
    assert "transfer_not_recorded" in caplog.text
