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
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, Request

from benchmarks.call_tracer import PROJECT, CallTracer
from deployments.ingress.access_control import IDENTITY
from deployments.ingress.http import create_app
from deployments.ingress.request_metrics import RequestMetrics
from deployments.ingress.routes.forecasts import get_link_forecast, post_forecast
from deployments.ingress.wiring import Handles, wire
from deployments.settings import Settings
from pba.security.identity import ANYBODY
from pba.store import SampleReport
from pba.types import COLUMNS, Floats, NetworkMode

KINDS = ("given", "named", "stored")
WINDOW = 60

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
    settings = Settings(
        store_url=f"sqlite:///{folder}/pba.db",
        registry=f"{folder}/registry",
        keys_snapshot="",
        grpc_port=0,
    )
    # No call of a model leaves the router, so no handle is called.
    handles = Handles(dict.fromkeys(NetworkMode), None)  # type: ignore[arg-type]
    services = wire(settings, handles, RequestMetrics(), True, lambda _: lambda kind, body: None)
    await services.flags.refresh()
    await services.local.configure(
        {str(mode): str(PROJECT / "models" / mode) for mode in NetworkMode},
        max_windows=4,
        patience_s=60.0,
    )
    app = create_app()
    app.state.services = services

    async def send(kind: str, link_id: str) -> bytes:
        if kind == "stored":
            response = await get_link_forecast(_request(app, b""), link_id)
        else:
            response = await post_forecast(_request(app, _body(kind, link_id)))
        return bytes(response.body)

    reports = [SampleReport(f"stored-{name}", *_samples()) for name in ("first", "second")]
    await services.plane.observe(reports)
    yield send, services.plane.drain
    await services.close()


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
    return Request({**scope, IDENTITY: ANYBODY}, receive)


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
