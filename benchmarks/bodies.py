"""What the benchmarks send: histories of synthetic links, the same in every run."""

import json

import numpy as np

from pba.client import request
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES


def histories(mode: NetworkMode, count: int) -> list[History]:
    """Return ``count`` histories of one window each."""
    window = PROFILES[mode].window
    rng = np.random.default_rng(0)
    samples = History.of(generate_synthetic_data(mode, window + count, rng))
    return [samples.first(window + start).last(window) for start in range(count)]


def one(mode: NetworkMode) -> bytes:
    return json.dumps(request(histories(mode, 1)[0], mode=mode)).encode()


def bulk(mode: NetworkMode, count: int) -> bytes:
    requests = [request(history, mode=mode) for history in histories(mode, count)]
    return json.dumps({"requests": requests}).encode()
