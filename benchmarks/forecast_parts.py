"""CPU ms of each part of one forecast, in this process: `python -m benchmarks.forecast_parts MODE`.

It runs on the code of the baseline too, so it uses only what both have. One line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from deployments.ingress.http import json_response
from deployments.ingress.request_reading import read_query
from pba.forecasting import ForecastJob, ModelOutput
from pba.registry import artifacts

ROUNDS, CALLS = 15, 60


def main(mode: str, body: bytes) -> None:
    model, _ = artifacts.load(str(Path("models", mode).resolve()), mode)
    query = read_query(body)
    job = ForecastJob([query])
    telemetry = job.calls[0].telemetry
    output = ModelOutput(model.version, model.bins, model.predict(telemetry))
    now = datetime.now(UTC)
    (result,) = job.finish([output], now)
    parts: dict[str, Callable[[], object]] = {
        "model": lambda: model.predict(telemetry),
        "reading": lambda: read_query(body),
        "planning": lambda: ForecastJob([query]),
        "assembling": lambda: job.finish([output], now),
        "writing": lambda: json_response(result.forecast.as_dict()),  # type: ignore[union-attr]
    }
    print(json.dumps({name: _cpu_ms(part) for name, part in parts.items()}))


def _cpu_ms(part: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        for _ in range(CALLS):
            part()
        rounds.append((time.thread_time() - started) * 1000 / CALLS)
    return median(rounds)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer.read())
