"""The closed loop without Ray: what is kept, what is learnt, what an absent store costs."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pba.errors import Busy, InvalidHistory, InvalidSample, NotFound, StoreUnavailable, Unavailable
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.model_call import ModelOutput
from pba.forecasting.query import Query
from pba.rollout import Flags
from pba.serving.chunking import CHUNK
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.link_service import LinkService
from pba.store import Receipt, SampleReport, Store, WriteBatch
from pba.types import Floats, History, NetworkMode
from tests.serving.test_forecast_service import Asked

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
START_S = NOON.timestamp() - 1000


class Loop:
    """A core over a store, and what it passed on."""

    def __init__(
        self,
        url: str,
        record_s: float = 30.0,
        store_s: float = 30.0,
        models: Mapping[str, ModelClient] | None = None,
    ) -> None:
        self.store = Store(url, NOON.timestamp)
        self.heard: list[str] = []
        self.flags = Flags()
        asked = {NetworkMode.INTERNET: _away} if models is None else models
        service = ForecastService(asked, 0.2, 10.0, lambda: NOON, lambda: self.flags)
        self.written: list[WriteBatch] = []
        commit = GroupCommit(self._write, 100)
        self.links = LinkService(
            service,
            self.store,
            commit,
            self._hear,
            300.0,
            lambda: NOON,
            record_s,
            store_s,
            lambda: self.flags,
        )

    def _write(self, batch: WriteBatch) -> list[Receipt]:
        self.written.append(batch)
        return self.store.write(batch)

    def _hear(self, links: Iterable[str]) -> None:
        self.heard += links


async def _away(_: Floats) -> ModelOutput:
    raise Unavailable("gone")


@pytest.fixture
async def loop(tmp_path: Path) -> AsyncIterator[Loop]:
    made = Loop(f"sqlite:///{tmp_path}/pba.db")
    made.store.ready()
    yield made
    await made.links.drain()
    made.store.close()


def report(link_id: str, count: int, mbps: float = 20.0, first: int = 0) -> SampleReport:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps
    return SampleReport(link_id, START_S + first + np.arange(count), telemetry)


def history(count: int, mbps: float = 20.0, first: int = 0) -> History:
    given = report("", count, mbps, first)
    return History(given.timestamps_s, given.telemetry)


async def test_a_link_is_forecast_from_what_it_reported(loop: Loop):
    await loop.links.observe([report("a", 70), report("b", 70, mbps=5.0)])
    assert loop.heard == ["a", "b"]
    made = await loop.links.forecast("a")
    assert (made.forecast.link_id, made.forecast.mode) == ("a", NetworkMode.INTERNET)
    assert made.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.05)
    await loop.links.drain()
    assert len(loop.store.history("a", 0, 9e9, 10)[1]) == 1


async def test_many_links_are_answered_in_order_each_for_itself(loop: Loop):
    await loop.links.observe([report("a", 70), report("one", 1)])
    first, unknown, short = await loop.links.forecasts(["a", "nobody", "one"])
    assert not isinstance(first, Exception)
    assert isinstance(unknown, NotFound)
    assert isinstance(short, InvalidHistory)
    with pytest.raises(NotFound, match="nobody"):
        await loop.links.forecast("nobody")


async def test_more_links_than_one_part_holds_are_answered_and_kept_in_order(loop: Loop):
    names = [f"l{number}" for number in range(2 * CHUNK + 10)]
    reports = [report(name, 70, mbps=10.0 + at) for at, name in enumerate(names)]
    await loop.links.observe(reports)
    for at, made in enumerate(await loop.links.forecasts(names)):
        assert not isinstance(made, Exception)
        assert made.forecast.link_id == names[at]
        assert made.forecast.bandwidth_mbps == pytest.approx(10.0 + at, rel=0.05)
    await loop.links.drain()
    assert all(len(loop.store.history(name, 0, 9e9, 100)[1]) == 1 for name in names)


async def test_a_given_history_of_a_named_link_is_kept_with_its_forecast(loop: Loop):
    made = await loop.links.recorded(Query(history(70), None, "a"))
    assert "not_recorded" not in made.forecast.reasons
    await loop.links.drain()
    samples, forecasts = loop.store.history("a", 0, 9e9, 100)
    assert (len(samples), len(forecasts)) == (70, 1)
    again = await loop.links.recorded(Query(history(70), None, "a"))
    await loop.links.drain()
    assert again.points_mbps == made.points_mbps
    assert len(loop.store.history("a", 0, 9e9, 100)[1]) == 1, "one moment is kept once"


async def test_of_many_given_histories_those_of_named_links_are_kept(loop: Loop):
    refused = InvalidSample("packet_loss is 7", "history[0].packet_loss")
    made = await loop.links.all_recorded(
        [
            Query(history(70), None, "a"),
            Query(history(70, first=1), None, "a"),
            Query(history(70, mbps=5.0)),
            refused,
            Query(history(3, first=1400), None, "late"),
            Query(history(1), None, "short"),
            Query(history(70, mbps=8.0), None, "b"),
        ]
    )
    assert len(loop.written) == 1, "one transaction for all that was measured"
    rates = [20.0, 20.0, 5.0, None, None, None, 8.0]
    for item, mbps in zip(made, rates, strict=True):
        if isinstance(item, ForecastResult):
            assert item.forecast.bandwidth_mbps == pytest.approx(mbps, rel=0.05)
            assert "not_recorded" not in item.forecast.reasons
        else:
            assert mbps is None
    assert made[3] is refused
    assert isinstance(made[4], InvalidSample)
    assert made[4].field == "history"
    assert isinstance(made[5], InvalidHistory)
    await loop.links.drain()
    assert len(loop.written) == 2, "and one for all that was said"
    kept = {link.link_id for link in loop.store.links(None, "", 10)}
    assert kept == {"a", "b"}
    samples, forecasts = loop.store.history("a", 0, 9e9, 100)
    assert (len(samples), len(forecasts)) == (71, 2)


async def test_many_anonymous_histories_leave_the_store_alone(tmp_path: Path):
    loop = Loop(f"postgresql://nobody@/x?host={tmp_path}")
    (made,) = await loop.links.all_recorded([Query(history(70))])
    assert isinstance(made, ForecastResult)
    assert made.forecast.reasons == ("model_unavailable",)
    assert loop.written == []


async def test_more_than_one_transaction_should_hold_is_written_in_several(loop: Loop):
    queries = [Query(history(250), None, f"link{number}") for number in range(81)]
    made = await loop.links.all_recorded(queries)
    assert all(isinstance(one, ForecastResult) for one in made)
    assert [len(batch.reports) for batch in loop.written] == [80, 1]
    assert len(loop.store.links(None, "", 100)) == 81


async def test_a_link_whose_model_misses_comes_to_be_led_by_who_does_not(loop: Loop):
    rng = np.random.default_rng(0)
    moved = 20.0 * np.cumprod(rng.choice([0.5, 2.0], 200))  # the last value is never in band
    for at, mbps in enumerate(np.clip(moved, 1.0, 400.0)):
        await loop.links.observe([report("a", 1, float(mbps), first=at)])
        if at > 1:
            await loop.links.forecast("a")
            await loop.links.drain()
            loop.store.settle(["a"])
    record = loop.store.link("a").record
    assert record.scored > 150
    made = await loop.links.forecast("a")
    assert made.forecast.confidence < made.confidence[0]


@pytest.fixture
async def compared(tmp_path: Path) -> AsyncIterator[Loop]:
    made = Loop(
        f"sqlite:///{tmp_path}/pba.db", models={"internet": Asked("internet"), "v1": Asked("v1")}
    )
    made.store.ready()
    yield made
    await made.links.drain()
    made.store.close()


@pytest.mark.parametrize(("percentage", "served"), [(0, "v1"), (100, "v3")])
async def test_in_shadow_both_arms_are_kept_and_one_is_told(
    compared: Loop, percentage: int, served: str
):
    compared.flags = Flags(v3_rollout_percentage=percentage, shadow=True)
    await compared.links.observe([report("a", 70)])
    told = [await compared.links.forecast("a"), *await compared.links.forecasts(["a", "nobody"])]
    await compared.links.recorded(Query(history(70), None, "b"))
    assert not isinstance(told[1], Exception)
    assert {told[0].arm, told[1].arm} == {served}  # type: ignore[union-attr]
    await compared.links.drain()
    for link in ("a", "b"):
        kept = compared.store.history(link, 0, 9e9, 10)[1]
        assert {one["arm"]: one["served"] for one in kept} == {
            "v1": served == "v1",
            "v3": served == "v3",
        }


async def test_out_of_shadow_one_arm_is_asked(compared: Loop):
    await compared.links.observe([report("a", 70)])
    await compared.links.forecast("a")
    await compared.links.drain()
    (kept,) = compared.store.history("a", 0, 9e9, 10)[1]
    assert (kept["arm"], kept["served"]) == ("v3", True)


async def test_an_arm_that_fails_in_shadow_costs_nothing(tmp_path: Path):
    loop = Loop(f"sqlite:///{tmp_path}/pba.db", models={"internet": Asked("internet"), "v1": _busy})
    loop.store.ready()
    loop.flags = Flags(shadow=True)
    await loop.links.observe([report("a", 70)])
    assert (await loop.links.forecast("a")).forecast.source == "model"
    await loop.links.drain()
    assert len(loop.store.history("a", 0, 9e9, 10)[1]) == 1
    loop.store.close()


async def _busy(_: Floats) -> ModelOutput:
    raise Busy("full")


async def test_samples_from_the_future_are_refused_whole(loop: Loop):
    with pytest.raises(InvalidSample, match=r"over 300 s ahead.*Set the clocks"):
        await loop.links.observe([report("b", 5), report("a", 3, first=1400)])
    assert loop.store.link_contexts(["a", "b"]) == {}


async def test_without_a_store_a_given_history_is_answered_and_says_so(tmp_path: Path):
    loop = Loop(f"postgresql://nobody@/x?host={tmp_path}")
    made = await loop.links.recorded(Query(history(70), None, "a"))
    assert "not_recorded" in made.forecast.reasons
    assert made.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.05)
    for ask in (loop.links.forecast("a"), loop.links.observe([report("a", 1)])):
        with pytest.raises(StoreUnavailable, match="store is away"):
            await ask


async def test_advice_comes_with_a_forecast_that_asks_for_it(loop: Loop):
    await loop.links.observe([report("a", 70)])
    assert (await loop.links.forecast("a")).forecast.allocation is None
    advice = (await loop.links.forecast("a", AllocationRequest(max_streams=2))).forecast.allocation
    assert advice is not None
    assert advice.streams == 2
    assert advice.safe_rate_mbps <= 20.0
