"""Links that are replayed in this process, to hold forecasts against those recorded.

The shipped models answer, time is the samples' own, and no Ray is started. Nothing here compares.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pba.forecasting import ModelOutput, Query
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.link_record import LinkRecord
from pba.models.onnx import OnnxForecaster
from pba.monitoring.scorer import Scorer
from pba.registry import artifacts
from pba.rollout import Arm, Flags
from pba.serving.flag_watch import FixedFlags
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.link_service import LinkService
from pba.serving.local_service import LocalService
from pba.store import SampleReport, Store, WriteBatch
from pba.types import COLUMNS, HORIZONS, Floats, History, NetworkMode
from tests.store.builders import settle

FIXTURES = Path(__file__).parents[1] / "fixtures"
MODELS = Path(__file__).parents[2] / "models"
NAMES = ("datacenter", "internet", "v1")
FIRST_FORECAST = 20
"""How many samples a link has before it is forecast by name."""


@lru_cache
def shipped(name: str) -> OnnxForecaster:
    """Return a model of `models/`, loaded once."""
    return artifacts.load(str(MODELS / name), name)[0]


def versions() -> dict[str, str]:
    """Return the version of each shipped model."""
    return {name: shipped(name).version for name in NAMES}


def fixture(name: str) -> dict[str, Any]:
    """Return what a file of `tests/fixtures` holds."""
    content: dict[str, Any] = json.loads((FIXTURES / name).read_text())
    return content


def series(body: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Return times in Unix seconds and telemetry ``(sample, 5)`` of a series in a fixture."""
    columns = [np.array(body[name], dtype=float) for name in COLUMNS]  # None becomes NaN
    return body["start_s"] + np.array(body["offset_s"], dtype=float), np.column_stack(columns)


def forecast_given(case: Mapping[str, Any], samples: tuple[Floats, Floats]) -> dict[str, Any]:
    """Return the forecast of a case from the history that it names, in its wire form."""
    rows = slice(case["first"], case["end"])
    record = case.get("record")
    query = Query(
        History(samples[0][rows], samples[1][rows]),
        mode=NetworkMode(case["mode"]) if case.get("mode") else None,
        link_id=case.get("link_id"),
        record=LinkRecord.from_json(json.dumps(record)) if record else None,
        allocation=_allocation(case.get("allocation")),
        arm=Arm(case["arm"]) if case.get("arm") else None,
    )
    models = {name: shipped(name) for name in NAMES}
    clock = datetime.fromtimestamp(case["clock_s"], UTC)
    return LocalService(models, lambda: clock).forecasts([query])[0].as_dict()


def _without_intervals(record: LinkRecord) -> dict[str, Any]:
    """Return a record as JSON with the horizons alone, which 3.0.0 had."""
    document: dict[str, Any] = json.loads(record.to_json())
    return document | {"reliability": document["reliability"][: len(HORIZONS)]}


def _allocation(body: Mapping[str, Any] | None) -> AllocationRequest | None:
    return None if body is None else AllocationRequest.from_dict(body)


class StoredLinks:
    """The service of one router over a SQLite file, without Ray, with a clock that stands still.

    Parameters
    ----------
    path
        The SQLite file.
    flags
        Hold for the whole replay.
    """

    def __init__(self, path: Path, flags: Flags) -> None:
        self.now_s = 0.0
        self.store = Store(f"sqlite:///{path}", lambda: self.now_s, default=flags).ready()
        self.scorer = Scorer(self.store)
        clients = {name: _client(shipped(name)) for name in NAMES}
        service = ForecastService(clients, 30.0, 10.0, self._clock, FixedFlags(flags))
        commit = GroupCommit(self.store.write, 100)
        self.links = LinkService(
            service,
            self.store,
            commit,
            300.0,
            self._clock,
            30.0,
            30.0,
            FixedFlags(flags),
        )

    def _clock(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    async def observe(self, link_id: str, times_s: Floats, telemetry: Floats) -> dict[str, Any]:
        """Store samples of a link; return the receipt."""
        (receipt,) = await self.links.observe([SampleReport(link_id, times_s, telemetry)])
        return receipt.as_dict()

    async def forecast(
        self, link_id: str, allocation: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the forecast from a link's stored history, once it is recorded."""
        result = await self.links.forecast(link_id, _allocation(allocation))
        await self.links.drain()
        return result.forecast.as_dict()

    async def forecast_named(
        self, link_id: str, times_s: Floats, telemetry: Floats
    ) -> dict[str, Any]:
        """Return the forecast from a given history of a named link, once both are recorded."""
        query = Query(History(times_s, telemetry), link_id=link_id)
        result = await self.links.given.forecast(query)
        await self.links.drain()
        return result.forecast.as_dict()

    def state(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what the store holds at the end; without latencies, which differ every time."""
        return {
            "links": {name: self.store.link(name).as_dict() for name in names},
            "summary": comparable(self.store.summary()),
            "versions": self.store.compare(0.0)["versions"],
            "events": [event.as_dict() for event in self.store.events(count=1000)],
        }


def _client(forecaster: OnnxForecaster) -> ModelClient:
    async def call(telemetry: Floats) -> ModelOutput:
        return ModelOutput(forecaster.version, forecaster.bins, forecaster.predict(telemetry))

    return call


def comparable(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what of a store's summary is the same in version 3.0.0.

    It had no ``scoring``, its latency was that of forecasts that need not be scored, and its
    versions were in no order.
    """
    body = {key: item for key, item in without_latency(summary).items() if key != "scoring"}
    versions = sorted(body["versions"], key=lambda row: [str(item) for item in row.values()])
    return body | {"versions": versions}


def without_latency(value: Any) -> Any:
    """Return ``value`` without the items that are called ``latency_ms``."""
    if not isinstance(value, dict):
        return [without_latency(item) for item in value] if isinstance(value, list) else value
    return {key: without_latency(item) for key, item in value.items() if key != "latency_ms"}


async def replay(
    path: Path, flags: Flags, links: Mapping[str, tuple[Floats, Floats]], steps: int
) -> tuple[list[dict[str, Any]], StoredLinks]:
    """Report every link sample by sample, and forecast, record and score after each sample.

    The link ``named`` is forecast from given histories of 60 samples, every fifth step; all others
    by name from the 20th sample on, every tenth time with advice.

    Returns
    -------
    results, stored
        What each step returned, in order: ``step``, ``link_id``, ``receipt`` and ``forecast``.
        Who calls closes ``stored.store``.
    """
    stored = StoredLinks(path, flags)
    results = []
    for step in range(steps):
        for link_id, (times_s, telemetry) in links.items():
            stored.now_s = float(times_s[step]) + 0.25
            result: dict[str, Any] = {"step": step, "link_id": link_id}
            if link_id == "named":
                if step < 59 or step % 5:
                    continue
                rows = slice(step - 59, step + 1)
                result["forecast"] = await stored.forecast_named(
                    link_id, times_s[rows], telemetry[rows]
                )
            else:
                rows = slice(step, step + 1)
                result["receipt"] = await stored.observe(link_id, times_s[rows], telemetry[rows])
                if step + 1 >= FIRST_FORECAST:
                    advice = {"quantile": 0.25} if step % 10 == 9 else None
                    result["forecast"] = await stored.forecast(link_id, advice)
            results.append(result)
        while stored.scorer.score_due().links:
            pass
    return results, stored


def database(store: Store, link_id: str) -> dict[str, Any]:
    """Return what a store reads from its database, the past of one link with it."""
    samples, forecasts = store.history(link_id, 0.0, 9e9, 10_000)
    names = [link.link_id for link in store.links(None, "", 100)]
    records = {name: context.record for name, context in store.link_contexts(names).items()}
    return {
        "links": [link.as_dict() for link in store.links(None, "", 100)],
        "timestamps_s": samples.timestamps_s.tolist(),
        "telemetry": _nulls(samples.telemetry),
        "forecasts": forecasts,
        "records": {name: _without_intervals(records[name]) for name in names},
        "summary": comparable(store.summary()),
        "events": [event.as_dict() for event in store.events(count=1000)],
        "flags": store.flags().as_dict(),
        "versions": store.compare(0.0)["versions"],
    }


def _nulls(telemetry: Floats) -> list[list[float | None]]:
    return [[None if value != value else value for value in row] for row in telemetry.tolist()]


def settle_more(store: Store, link_id: str, times_s: Floats, telemetry: Floats) -> list[list[Any]]:
    """Report more samples of a link; return the outcomes that they bring.

    Each is steps, moment (microseconds), forecast, confidence, actual, hit and arm.
    """
    store.write(WriteBatch([SampleReport(link_id, times_s, telemetry)]))
    outcomes = [one for one in settle(store) if one.link_id == link_id]
    return [
        [
            one.steps,
            one.at_us,
            one.forecast_mbps,
            one.confidence,
            one.actual_mbps,
            one.hit,
            one.arm.value,
        ]
        for one in outcomes
    ]
