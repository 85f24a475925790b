import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pba.errors import Busy, InvalidHistory, InvalidSample
from pba.forecasting import ForecastResult, ModelOutput, Query, planning
from pba.rollout import Arm, Flags
from pba.serving import forecast_service
from pba.serving.chunking import in_chunks
from pba.serving.flag_watch import FixedFlags
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.types import Floats, Forecast, NetworkMode
from tests.serving.toy_models import SettableFlags, ToyModel, busy, history, never, unavailable

NOW = datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)  # as of the newest sample
DATACENTER, INTERNET = NetworkMode.DATACENTER, NetworkMode.INTERNET
BORDERLINE = history(2000.0, rtt_ms=20.0)


def service(models: Mapping[str, ModelClient], deadline_s: float = 30.0) -> ForecastService:
    return ForecastService(models, deadline_s, gap_intervals=10.0, clock=lambda: NOW)


async def forecast(models: Mapping[str, ModelClient], query: Query) -> Forecast:
    return (await service(models).forecast(query)).forecast


@pytest.fixture
def models() -> dict[NetworkMode, ToyModel]:
    return {mode: ToyModel(mode) for mode in (DATACENTER, INTERNET)}


async def test_if_the_mode_is_clear_one_model_is_called(models: dict[NetworkMode, ToyModel]):
    result = await forecast(models, Query(history(20.0)))
    assert (result.mode, result.source, result.made_at) == (INTERNET, "model", NOW)
    assert models[INTERNET].sizes == [1]
    assert models[DATACENTER].sizes == []


async def test_a_borderline_link_gets_both_models_weighted(models: dict[NetworkMode, ToyModel]):
    result = await forecast(models, Query(BORDERLINE))
    assert (result.mode, result.source) == (NetworkMode.HYBRID, "ensemble")
    assert {member.name for member in result.members} == {"datacenter", "internet"}
    assert sum(member.weight for member in result.members) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("failing", "reason"),
    [(unavailable, "model_unavailable"), (never, "model_late"), (busy, "model_busy")],
)
async def test_in_hybrid_mode_the_other_model_forecasts_alone(
    models: dict[NetworkMode, ToyModel], failing: ModelClient, reason: str
):
    impatient = service(models | {INTERNET: failing}, deadline_s=0.1)
    result = (await impatient.forecast(Query(BORDERLINE))).forecast
    assert (result.source, result.reasons) == ("model", (reason,))
    assert [member.name for member in result.members] == ["datacenter"]


async def test_a_model_that_is_not_deployed_counts_as_unavailable():
    result = await forecast({}, Query(history(20.0)))
    assert (result.source, result.reasons) == ("heuristic", ("model_unavailable",))


async def test_if_no_model_answers_the_forecast_is_heuristic_with_the_reason():
    result = await forecast({INTERNET: unavailable}, Query(history(20.0)))
    assert (result.source, result.model_version) == ("heuristic", None)
    assert result.reasons == ("model_unavailable",)
    assert result.bandwidth_mbps == pytest.approx(20.0, rel=0.1)


async def test_a_short_history_gets_a_heuristic_without_model_calls(
    models: dict[NetworkMode, ToyModel],
):
    result = await forecast(models, Query(history(20.0, count=5)))
    assert (result.source, result.reasons[0]) == ("heuristic", "short_history")
    assert models[INTERNET].sizes == []


async def test_a_busy_model_is_an_error_of_the_request():
    with pytest.raises(Busy):
        await service({INTERNET: busy}).forecast(Query(history(20.0)))


async def test_a_busy_model_costs_only_the_items_that_need_it(models: dict[NetworkMode, ToyModel]):
    queries = [
        Query(history(20.0)),
        Query(history(5000.0, rtt_ms=1.0)),
        Query(BORDERLINE),
        Query(history(20.0, count=5)),
    ]
    internet, datacenter, hybrid, short = await service(models | {INTERNET: busy}).forecasts(
        queries
    )
    assert isinstance(internet, Busy)
    assert isinstance(datacenter, ForecastResult)
    assert (datacenter.forecast.source, datacenter.forecast.reasons) == ("model", ())
    assert isinstance(hybrid, ForecastResult)
    assert hybrid.forecast.reasons == ("model_busy",)
    assert isinstance(short, ForecastResult), "it needs no model"
    assert datacenter.forecast.bandwidth_mbps == pytest.approx(5000.0, rel=0.05)
    assert hybrid.forecast.bandwidth_mbps == pytest.approx(2000.0, rel=0.05)


async def test_if_both_models_are_busy_a_borderline_link_is_refused():
    with pytest.raises(Busy, match="full"):
        await service({DATACENTER: busy, INTERNET: busy}).forecast(Query(BORDERLINE))


async def test_if_one_model_is_busy_and_the_other_late_the_forecast_is_heuristic():
    """Its deadline is spent already, so the caller is not sent away."""
    impatient = service({DATACENTER: never, INTERNET: busy}, deadline_s=0.1)
    result = (await impatient.forecast(Query(BORDERLINE))).forecast
    assert (result.source, result.reasons) == ("heuristic", ("model_late", "model_busy"))


async def test_fewer_than_two_samples_are_refused(models: dict[NetworkMode, ToyModel]):
    with pytest.raises(InvalidHistory, match="1 samples"):
        await service(models).forecast(Query(history(20.0, count=1)))


async def test_many_queries_are_answered_in_order_with_few_calls(
    models: dict[NetworkMode, ToyModel],
):
    refused = InvalidSample("packet_loss is 7", "history[0].packet_loss")
    rates = [float(rate) for rate in range(1, 301)]
    queries: list[Query | InvalidSample] = [Query(history(rate)) for rate in rates]
    queries[7] = refused
    queries[9] = Query(history(20.0, count=1))
    results = await service(models).forecasts(queries)
    assert results[7] is refused
    assert isinstance(results[9], InvalidHistory)
    assert sorted(models[INTERNET].sizes) == [28, 30, 30, 30, 30, 30, 30, 30, 30, 30]
    assert sum(isinstance(result, ForecastResult) for result in results) == 298
    for rate, item in zip(rates, results, strict=True):
        if isinstance(item, ForecastResult):
            assert item.forecast.bandwidth_mbps == pytest.approx(rate, rel=0.05)


async def test_each_of_300_queries_is_planned_once_in_one_pass_of_chunks(
    models: dict[NetworkMode, ToyModel], monkeypatch: pytest.MonkeyPatch
):
    planned, passes = [], []
    plan_forecast = planning.plan_forecast

    def count_plan(query: Query, *options: object) -> object:
        planned.append(query)
        return plan_forecast(query, *options)  # type: ignore[arg-type]

    async def count_pass(items: Sequence[object], work: object, at_once: int) -> object:
        passes.append(len(items))
        return await in_chunks(items, work, at_once)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "plan_forecast", count_plan)
    monkeypatch.setattr(forecast_service, "in_chunks", count_pass)
    queries = [Query(history(float(rate))) for rate in range(1, 301)]
    await service(models).forecasts(queries)
    assert sorted(map(id, planned)) == sorted(map(id, queries))
    assert passes == [300]


@pytest.mark.parametrize(("chunks", "limit_s"), [(1, 30.0), (3, 90.0)])
async def test_models_share_one_deadline_side_by_side_and_chunks_queue(
    models: dict[NetworkMode, ToyModel],
    monkeypatch: pytest.MonkeyPatch,
    chunks: int,
    limit_s: float,
):
    loop = asyncio.get_running_loop()
    call_at, limits_s, together = loop.call_at, list[float](), asyncio.Barrier(2)

    def record(when: float, *inputs: Any, **options: Any) -> asyncio.TimerHandle:
        limits_s.append(when - loop.time())
        return call_at(when, *inputs, **options)

    def waits_for_the_other(model: ToyModel) -> ModelClient:
        async def call(telemetry: Floats) -> ModelOutput:
            await together.wait()
            return await model(telemetry)

        return call

    both = service({name: waits_for_the_other(model) for name, model in models.items()})
    monkeypatch.setattr(loop, "call_at", record)
    (result,) = await both.forecast_chunk([Query(BORDERLINE)], chunks)
    assert isinstance(result, ForecastResult)
    assert (result.forecast.source, result.forecast.reasons) == ("ensemble", ())
    assert limits_s == pytest.approx([limit_s, limit_s], abs=10.0)


async def test_no_queries_get_no_forecasts(models: dict[NetworkMode, ToyModel]):
    assert await service(models).forecasts([]) == []


async def test_the_flags_choose_the_arm(models: dict[NetworkMode, ToyModel]):
    flags = SettableFlags(Flags(v3_rollout_percentage=90))
    clients = {**models, "v1": ToyModel("v1")}
    forecasts = ForecastService(clients, 30.0, 10.0, lambda: NOW, flags)

    async def member(query: Query) -> str:
        return (await forecasts.forecast(query)).forecast.members[0].name

    control = Query(history(20.0), link_id="fra1:ams2")
    treated = Query(history(20.0), link_id="a")
    assert (await member(control), await member(treated)) == ("v1", "internet")
    assert await member(replace(control, arm=Arm.V3)) == "internet"
    flags.current = Flags(force_v1_mode=True)
    assert await member(treated) == "v1"
    assert (await forecasts.forecast(treated)).arm is Arm.V1


async def test_hybrid_mode_and_detection_can_be_switched_off(models: dict[NetworkMode, ToyModel]):
    no_hybrid = FixedFlags(Flags(enable_hybrid_mode=False))
    forecasts = ForecastService(models, 30.0, 10.0, lambda: NOW, no_hybrid)
    result = (await forecasts.forecast(Query(BORDERLINE))).forecast
    assert (result.mode, result.source) == (INTERNET, "model")
    no_detection = FixedFlags(Flags(enable_mode_detection=False))
    forecasts = ForecastService(models, 30.0, 10.0, lambda: NOW, no_detection)
    result = (await forecasts.forecast(Query(history(5000.0, rtt_ms=1.0)))).forecast
    assert result.mode is INTERNET
    result = (await forecasts.forecast(Query(history(5000.0, rtt_ms=1.0), DATACENTER))).forecast
    assert result.mode is DATACENTER


async def test_a_comparison_leaves_out_forecasts_whose_model_failed(
    models: dict[NetworkMode, ToyModel],
):
    query = Query(history(20.0), link_id="a", arm=Arm.V1)
    assert await service({**models, "v1": unavailable}).compare([query]) == []
    (result,) = await service({**models, "v1": ToyModel("v1")}).compare([query])
    assert result.arm is Arm.V1
