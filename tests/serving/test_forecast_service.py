import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pba.errors import Busy, InvalidHistory, InvalidSample, Unavailable
from pba.forecasting.assembly import ForecastResult
from pba.forecasting.planning import ModelOutput, Query
from pba.models.onnx import OnnxForecaster
from pba.rollout import Arm, Flags
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.types import Floats, Forecast, History, NetworkMode
from tests.toy import toy_onnx

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATACENTER, INTERNET = NetworkMode.DATACENTER, NetworkMode.INTERNET


def history(mbps: float, rtt_ms: float = np.nan, count: int = 60) -> History:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps * (1 + 0.01 * np.sin(np.arange(count)))
    telemetry[:, 1] = rtt_ms
    return History(np.arange(count, dtype=float), telemetry)


BORDERLINE = history(2000.0, rtt_ms=20.0)


class Asked:
    """A model in this process that counts its calls."""

    def __init__(self, mode: str) -> None:
        self._forecaster = OnnxForecaster(toy_onnx(mode))
        self.sizes: list[int] = []

    async def __call__(self, telemetry: Floats) -> ModelOutput:
        self.sizes.append(len(telemetry))
        said = self._forecaster.predict(telemetry)
        return ModelOutput(self._forecaster.version, self._forecaster.bins, said)


async def away(_: Floats) -> ModelOutput:
    raise Unavailable("gone")


async def late(_: Floats) -> ModelOutput:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits this long")


async def busy(_: Floats) -> ModelOutput:
    raise Busy("full")


def service(models: Mapping[str, ModelClient]) -> ForecastService:
    return ForecastService(models, deadline_s=0.2, gap_intervals=10.0, clock=lambda: NOON)


async def forecast(models: Mapping[str, ModelClient], query: Query) -> Forecast:
    return (await service(models).forecast(query)).forecast


@pytest.fixture
def both() -> dict[NetworkMode, Asked]:
    return {mode: Asked(mode) for mode in (DATACENTER, INTERNET)}


async def test_where_the_mode_is_clear_one_model_is_asked(both: dict[NetworkMode, Asked]):
    made = await forecast(both, Query(history(20.0)))
    assert (made.mode, made.source, made.made_at) == (INTERNET, "model", NOON)
    assert both[INTERNET].sizes == [1]
    assert both[DATACENTER].sizes == []


async def test_a_borderline_link_asks_both_and_weighs_them(both: dict[NetworkMode, Asked]):
    made = await forecast(both, Query(BORDERLINE))
    assert (made.mode, made.source) == (NetworkMode.HYBRID, "ensemble")
    assert {member.name for member in made.members} == {"datacenter", "internet"}
    assert sum(member.weight for member in made.members) == pytest.approx(1.0)


@pytest.mark.parametrize(("failing", "reason"), [(away, "model_unavailable"), (late, "model_late")])
async def test_in_hybrid_mode_the_survivor_answers_alone(
    both: dict[NetworkMode, Asked], failing: ModelClient, reason: str
):
    made = await forecast(both | {INTERNET: failing}, Query(BORDERLINE))
    assert (made.source, made.reasons) == ("model", (reason,))
    assert [member.name for member in made.members] == ["datacenter"]


async def test_where_no_model_answers_a_heuristic_says_so():
    made = await forecast({INTERNET: away}, Query(history(20.0)))
    assert (made.source, made.model_version) == ("heuristic", None)
    assert made.reasons == ("model_unavailable",)
    assert made.bandwidth_mbps == pytest.approx(20.0, rel=0.1)


async def test_a_short_history_gets_a_heuristic_and_asks_nobody(both: dict[NetworkMode, Asked]):
    made = await forecast(both, Query(history(20.0, count=5)))
    assert (made.source, made.reasons) == ("heuristic", ("short_history",))
    assert both[INTERNET].sizes == []


async def test_a_busy_model_is_passed_on_for_the_caller_to_wait():
    with pytest.raises(Busy):
        await service({INTERNET: busy}).forecast(Query(history(20.0)))


async def test_fewer_than_two_samples_are_refused(both: dict[NetworkMode, Asked]):
    with pytest.raises(InvalidHistory, match="1 samples"):
        await service(both).forecast(Query(history(20.0, count=1)))


async def test_many_queries_are_answered_in_order_in_few_calls(both: dict[NetworkMode, Asked]):
    refused = InvalidSample("packet_loss is 7", "history[0].packet_loss")
    rates = [float(rate) for rate in range(1, 301)]
    queries: list[Query | InvalidSample] = [Query(history(rate)) for rate in rates]
    queries[7] = refused
    queries[9] = Query(history(20.0, count=1))
    made = await service(both).forecasts(queries)
    assert made[7] is refused
    assert isinstance(made[9], InvalidHistory)
    assert both[INTERNET].sizes == [126, 128, 44]
    for rate, item in zip(rates, made, strict=True):
        if isinstance(item, ForecastResult):
            assert item.forecast.bandwidth_mbps == pytest.approx(rate, rel=0.05)


async def test_no_queries_get_no_forecasts(both: dict[NetworkMode, Asked]):
    assert await service(both).forecasts([]) == []


async def test_flags_decide_who_answers(both: dict[NetworkMode, Asked]):
    models = {**both, "v1": Asked("v1")}
    flags = Flags(v3_rollout_percentage=90)
    answering = ForecastService(models, 0.2, 10.0, lambda: NOON, lambda: flags)

    async def spoke(query: Query) -> str:
        return (await answering.forecast(query)).forecast.members[0].name

    controlled, ours = Query(history(20.0), link_id="fra1:ams2"), Query(history(20.0), link_id="a")
    assert (await spoke(controlled), await spoke(ours)) == ("v1", "internet")
    assert await spoke(replace(controlled, arm=Arm.V3)) == "internet"
    flags = Flags(force_v1_mode=True)
    assert await spoke(ours) == "v1"
    assert (await answering.forecast(ours)).arm is Arm.V1


async def test_hybrid_mode_and_detection_can_be_switched_off(both: dict[NetworkMode, Asked]):
    flags = Flags(enable_hybrid_mode=False)
    answering = ForecastService(both, 0.2, 10.0, lambda: NOON, lambda: flags)
    made = await answering.forecast(Query(BORDERLINE))
    assert (made.forecast.mode, made.forecast.source) == (INTERNET, "model")
    flags = Flags(enable_mode_detection=False)
    made = await answering.forecast(Query(history(5000.0, rtt_ms=1.0)))
    assert made.forecast.mode is INTERNET
    made = await answering.forecast(Query(history(5000.0, rtt_ms=1.0), DATACENTER))
    assert made.forecast.mode is DATACENTER


async def test_only_what_a_model_said_is_compared(both: dict[NetworkMode, Asked]):
    query = replace(Query(history(20.0), link_id="a"), arm=Arm.V1)
    assert await service({**both, "v1": away}).compared([query]) == []
    (made,) = await service({**both, "v1": Asked("v1")}).compared([query])
    assert made.arm is Arm.V1
