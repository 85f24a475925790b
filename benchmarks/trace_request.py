"""Follow one forecast request through the code: the files that it enters, and the hops between.

This measures how hard the code is to read along a request; it does not measure time. Three requests
are followed, from the bytes of the body to the bytes of the response:

* ``given``: a history in the body and no name, so that nothing is recorded;
* ``named``: a history in the body and a ``link_id``, so that samples and forecast are recorded;
* ``stored``: a link by name, from the history in the store.

The link is a borderline one, so that both models answer. Everything runs in this process without
Ray: the ingress class over its own collaborators and a SQLite file, and model replicas (without
Serve's batching) in place of deployment handles. The Monitor is left out.

How it counts:

* Project files are those of ``pba/``, ``deployments/`` and ``train/``. All other frames (libraries,
  methods that ``dataclass`` generates, this script) are skipped.
* ``files``: the distinct project files of which some function ran.
* ``hops``: the calls into a project file from another one, where the caller is the nearest project
  frame on the stack. What runs in a task or a thread counts as called by the code that started it.
  A coroutine that resumes after an ``await`` counts as called again, as `sys.setprofile` reports
  it; returns are not counted. Hops between the same two files in a row, as in a loop over
  samples, count once.
* It counts from the call of the ingress to the end of the last task that this call started, so it
  includes what is recorded after the response. Each request is first sent with another link, so
  that imports and objects that are created once are not counted. The models run in parallel
  threads, so ``hops`` may differ by one or two between runs.

Usage: ``python -m benchmarks.trace_request [--hops] [--json FILE]``.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, Request

from benchmarks.call_tracer import PROJECT, CallTracer
from deployments.ingress.http import create_app
from deployments.ingress.request_body import BodyReader
from deployments.ingress.request_metrics import RequestMetrics
from deployments.ingress.routes.forecasts import get_link_forecast, post_forecast
from deployments.ingress.services import ModelStatus, Services
from deployments.settings import Settings
from deployments.store_factory import Stores, open_store
from pba.forecasting import ModelOutput
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.rollout import Flags
from pba.serving.data_plane import DataPlane
from pba.serving.event_log import EventLog
from pba.serving.flag_watch import FlagWatch
from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.link_service import LinkService
from pba.serving.local_models import LocalModels
from pba.serving.model_catalog import ModelCatalog
from pba.serving.pools import Pools
from pba.store import SampleReport
from pba.types import COLUMNS, Floats
from pba.types.profile import PROFILES

KINDS = ("given", "named", "stored")
WINDOW = 60

_clock = time.time  # noqa: TID251 - the clock that is passed in

Send = Callable[[str, str], Awaitable[bytes]]
"""Makes one request, of a kind and for a link; returns the body of the response."""

Drain = Callable[[], Awaitable[None]]
"""Waits for what the requests so far record in the background."""


@contextlib.asynccontextmanager
async def build_requests(folder: Path) -> AsyncIterator[tuple[Send, Drain]]:
    """Wire up what answers, without Ray: all that depends on the project's classes is here.

    Parameters
    ----------
    folder
        Where the SQLite file goes.

    Yields
    ------
    Send, Drain
        The first makes a request. For ``stored`` there is a history of the links ``stored-first``
        and ``stored-second``.
    """
    settings = Settings(store_url=f"sqlite:///{folder}/pba.db", grpc_port=0)
    store = open_store(settings).ready()
    flags = FlagWatch(store.flags, Flags(), settings.flags_every_s)
    await flags.refresh()
    registry = Registry(f"{folder}/registry", _clock)
    local = await _local_models(registry, settings)
    forecasts = ForecastService(
        local.clients, settings.model_deadline_ms / 1000, settings.gap_intervals, _now, flags
    )
    links = LinkService(
        forecasts,
        store,
        GroupCommit(store.write, settings.max_writes_waiting),
        settings.max_ahead_s,
        _now,
        settings.record_deadline_ms / 1000,
        settings.store_deadline_ms / 1000,
        flags,
    )
    plane = DataPlane(forecasts, links, settings.max_in_flight, RequestMetrics())
    promoter = Promoter(registry, EventLog(store).add, _clock)
    catalog = ModelCatalog(list(PROFILES), registry, promoter)
    status = ModelStatus({}, None, flags, plane, settings.model_deadline_ms / 1000)
    app = create_app()
    access = Stores(store, store, store, store), Pools(), BodyReader(128, 1024, 256)
    app.state.services = Services(plane, *access, catalog, status, flags, local, settings)

    async def send(kind: str, link_id: str) -> bytes:
        if kind == "stored":
            response = await get_link_forecast(_request(app, b""), link_id)
        else:
            response = await post_forecast(_request(app, _body(kind, link_id)))
        return bytes(response.body)

    reports = [SampleReport(f"stored-{name}", *_samples()) for name in ("first", "second")]
    await links.observe(reports)
    yield send, links.drain
    local.stop()
    store.close()


async def _local_models(registry: Registry, settings: Settings) -> LocalModels:
    remote: dict[str, ModelClient] = dict.fromkeys(PROFILES, _unused)
    local = LocalModels(remote, registry, settings.follow_every_s, lambda kind, body: None)
    folders = {str(mode): str(PROJECT / "models" / mode) for mode in PROFILES}
    await local.configure(folders, max_windows=4, patience_s=60.0)
    return local


async def _unused(telemetry: Floats) -> ModelOutput:
    raise AssertionError("the router answers one window by itself")


def _now() -> datetime:
    return datetime.now(UTC)


def _samples() -> tuple[Floats, Floats]:
    """Return times in Unix seconds, the newest of them now, and telemetry ``(sample, 5)``."""
    rng = np.random.default_rng(0)
    times_s = float(int(_now().timestamp())) - np.arange(WINDOW, dtype=float)[::-1]
    bandwidth_mbps = 2000.0 * np.exp(rng.normal(0.0, 0.1, WINDOW))
    lows, highs = [16.0, 0.0, 1.0], [24.0, 0.01, 5.0]  # latency, loss, jitter
    path = rng.uniform(lows, highs, (WINDOW, 3))
    return times_s, np.column_stack([bandwidth_mbps, path, 0.7 * bandwidth_mbps])


def _body(kind: str, link_id: str) -> bytes:
    times_s, telemetry = _samples()
    history = [
        {"timestamp": at_s} | dict(zip(COLUMNS, row, strict=True))
        for at_s, row in zip(times_s.tolist(), telemetry.tolist(), strict=True)
    ]
    name = {"link_id": link_id} if kind == "named" else {}
    return json.dumps({"history": history, **name}).encode()


def _request(app: FastAPI, body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "app": app}
    return Request(scope, receive)


async def trace() -> dict[str, dict[str, Any]]:
    """Return the figures of each kind of request."""
    tracer = CallTracer()
    figures = {}
    with tempfile.TemporaryDirectory() as folder, tracer.installed(asyncio.get_running_loop()):
        async with build_requests(Path(folder)) as (send, drain):
            for kind in KINDS:
                response = json.loads(await send(kind, f"{kind}-first"))
                await drain()  # or what this request records would be counted with the next
                assert (response["mode"], response["source"]) == ("hybrid", "ensemble"), response
                calls = await tracer.record(send(kind, f"{kind}-second"))
                figures[kind] = summary(calls)
    return figures


def summary(calls: list[tuple[str | None, str]]) -> dict[str, Any]:
    """Return files and hops, and which they are."""
    between = [pair for pair in calls if pair[0] not in (None, pair[1])]
    hops = Counter(f"{caller} -> {callee}" for (caller, callee), _ in itertools.groupby(between))
    files = {callee for _, callee in calls}
    return {
        "files": len(files),
        "hops": hops.total(),
        "files_entered": sorted(files),
        "hops_by_file": dict(sorted(hops.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow a forecast request through the code.")
    parser.add_argument("--hops", action="store_true", help="list the hops, file by file")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    figures = asyncio.run(trace())
    for kind, of_kind in figures.items():
        print(f"{kind:7} files {of_kind['files']:3}  hops {of_kind['hops']:4}")
        for pair, count in of_kind["hops_by_file"].items() if options.hops else ():
            print(f"  {pair}: {count}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
