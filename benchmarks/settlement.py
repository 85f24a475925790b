"""CPU of settling due links together, and of each alone: `python -m benchmarks.settlement`.

500 links with a sample a second, 100 samples read of each, and 17 open forecasts, of which a new
sample settles four: the horizons and intervals that end with it. No database: reading and writing
are not measured.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.rollout import Arm
from pba.scoring.arm_pairs import pair_results
from pba.scoring.batch import DueBatch, LinkSamples, OpenForecasts
from pba.scoring.batch_settlement import settle_batch
from pba.scoring.codes import TARGET_STEPS
from pba.scoring.forecast_body import pack_all, unpack, unpack_all
from pba.scoring.latency_sums import latency_sums
from pba.scoring.mode_outcomes import mode_outcomes
from pba.scoring.outcome_sums import outcome_sums
from pba.scoring.pair_sums import link_sums, pair_sums
from pba.types import HORIZONS, INTERVALS, Floats
from tests.scoring.plain_settlement import OpenForecast, settle

LINKS, SAMPLES, AGES = 500, 100, (INTERVALS[-1], *range(15, -1, -1))
FORECASTS = len(AGES)
ROUNDS = 9
START_US, SECOND_US = 1_700_000_000_000_000, 1_000_000
WAIT_US = 3600 * SECOND_US
SPREADS = {"links that vary by a twentieth": 0.05, "by a factor of two": 0.7}


def main() -> None:
    for name, spread in SPREADS.items():
        print("\n".join(table(name, rates_of(spread))))


def table(name: str, rates: Floats) -> list[str]:
    """Return the CPU of each part in Markdown."""
    batch, bodies = due_batch(rates)
    now_us = START_US + SAMPLES * SECOND_US
    settlement = settle_batch(batch, now_us, WAIT_US)
    forecasts, outcomes = batch.forecasts, settlement.outcomes
    alone = open_forecasts(forecasts, bodies)
    parts: dict[str, Callable[[], object]] = {
        "each link alone": lambda: settle_alone(alone, batch.samples.at_us[:SAMPLES], rates),
        "together": lambda: settle_batch(batch, now_us, WAIT_US),
        "sums and pairs": lambda: (
            outcome_sums(forecasts, outcomes),
            pair_results(forecasts, outcomes),
            pair_sums(forecasts, outcomes, 0),
            link_sums(forecasts, outcomes, 0),
            latency_sums(forecasts, outcomes),
            mode_outcomes(forecasts, outcomes),
        ),
        "records, to and from bytes": lambda: RecordTable.from_bytes(batch.records.to_bytes()),
        "bodies of forecasts": lambda: unpack_all(bodies),
    }
    rows = [f"| {name}, {len(outcomes)} outcomes | CPU µs a link | µs an outcome |"]
    rows.append("| --- | --- | --- |")
    for part, work in parts.items():
        cpu_us = _cpu_us(work)
        rows.append(f"| {part} | {cpu_us / LINKS:.1f} | {cpu_us / len(outcomes):.1f} |")
    return [*rows, ""]


def rates_of(spread: float) -> Floats:
    """Return bandwidths (Mbps), ``(link, sample)``; the standard deviation is of their logs."""
    return 100.0 * np.exp(np.random.default_rng(1).normal(0.0, spread, (LINKS, SAMPLES)))


def due_batch(rates: Floats) -> tuple[DueBatch, list[bytes]]:
    """Return the links, whose newest forecast rests on the newest sample, and packed forecasts."""
    links = np.arange(1, LINKS + 1)
    newest = SAMPLES - 1 - np.array(AGES)
    seconds, count = np.tile(newest, LINKS), LINKS * FORECASTS
    zeros = np.zeros(count, dtype=np.int64)
    bodies = pack_all([prediction(mbps) for mbps in rates[:, newest].ravel().tolist()])
    past = (SAMPLES - 1) - seconds
    scored = past[:, None] > np.abs(TARGET_STEPS)
    actual_mbps = np.where(scored, 100.0, np.nan)
    forecasts = OpenForecasts(
        link=np.repeat(links, FORECASTS),
        after_us=START_US + seconds * SECOND_US,
        arm=zeros + 1,
        version=zeros + 1,
        created_us=START_US + seconds * SECOND_US,
        mode=zeros + 1,
        source=zeros,
        served=zeros == 0,
        step_s=np.ones(count),
        took_ms=np.full(count, 2.0),
        actual_mbps=actual_mbps,
        **unpack_all(bodies),
    )
    at_us = np.tile(START_US + np.arange(SAMPLES) * SECOND_US, LINKS)
    samples = LinkSamples(np.repeat(links, SAMPLES), at_us, rates.ravel())
    names = tuple(f"link-{number}" for number in links)
    records = RecordTable.from_bytes([None] * LINKS)
    none = (None,) * LINKS
    return DueBatch(links, names, links, links, records, none, forecasts, samples), bodies


def prediction(mbps: float) -> dict[str, object]:
    """Return a prediction of ``mbps``."""
    points = [mbps] * len(TARGET_STEPS)
    quantiles = [mbps * share for share in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)]
    return {
        "points_mbps": points,
        "confidence": [0.8] * len(TARGET_STEPS),
        "unadapted": [0.8] * len(TARGET_STEPS),
        "quantiles_mbps": [quantiles] * len(TARGET_STEPS),
        "members": dict.fromkeys(EXPERTS, points[: len(HORIZONS)]),
    }


def open_forecasts(forecasts: OpenForecasts, bodies: list[bytes]) -> list[list[OpenForecast]]:
    """Return the forecasts of each link."""
    known = ~np.isnan(forecasts.actual_mbps)
    rows = [
        OpenForecast(
            id=row,
            after_us=after_us,
            step_s=1.0,
            prediction=unpack(bodies[row]),
            settled=frozenset(np.array(TARGET_STEPS)[known[row]].tolist()),
            arm=Arm.V3,
        )
        for row, after_us in enumerate(forecasts.after_us.tolist())
    ]
    return [rows[at : at + FORECASTS] for at in range(0, len(rows), FORECASTS)]


def settle_alone(links: list[list[OpenForecast]], at_us: np.ndarray, rates: Floats) -> None:
    """Settle one link after the other."""
    for forecasts, bandwidth_mbps in zip(links, rates, strict=True):
        settle(forecasts, at_us, bandwidth_mbps, LinkRecord())


def _cpu_us(work: Callable[[], object]) -> float:
    """Return the median CPU time of ``work``, in microseconds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        rounds.append((time.thread_time() - started) * 1e6)
    return median(rounds)


if __name__ == "__main__":
    main()
