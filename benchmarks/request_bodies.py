"""Request bodies of the benchmarks: histories of synthetic links, the same in every run."""

import json
from datetime import UTC, datetime

import numpy as np

from pba.client import request
from pba.client.requests import requests_body
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES

_HOUR_S = 3600.0


def histories(mode: NetworkMode, count: int) -> list[History]:
    """Return ``count`` histories of one window each, a sample an hour: fresh while a run lasts."""
    window = PROFILES[mode].window
    rng = np.random.default_rng(0)
    samples = History.of(generate_synthetic_data(mode, window + count, rng))
    now_s = datetime.now(UTC).timestamp()
    times_s = now_s + _HOUR_S * np.arange(1 - window, 1 + count)
    samples = History(times_s, samples.telemetry)
    return [samples.first(window + start).last(window) for start in range(count)]


def forecast_body(mode: NetworkMode) -> bytes:
    """Return the body of one forecast request."""
    return json.dumps(request(histories(mode, 1)[0], mode=mode)).encode()


def bulk_body(mode: NetworkMode, count: int) -> bytes:
    """Return the body of a bulk request for ``count`` forecasts."""
    requests = [request(history, mode=mode) for history in histories(mode, count)]
    return json.dumps({"requests": requests}).encode()


def bulk_columns_body(mode: NetworkMode, count: int) -> bytes:
    """Return the same body with its histories in columns."""
    bodies = requests_body(histories(mode, count))["requests"]
    return json.dumps({"requests": [body | {"mode": mode} for body in bodies]}).encode()
