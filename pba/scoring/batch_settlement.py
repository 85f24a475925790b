"""Settling the open forecasts of many links at once."""

import numpy as np

from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.rollout import Arm
from pba.scoring.batch import BatchSettlement, DueBatch, OutcomeTable
from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.outcome import OpenForecast
from pba.scoring.settlement import Settlement, settle
from pba.types import HORIZONS

__all__ = ["settle_batch"]


def settle_batch(
    batch: DueBatch, now_us: int, wait_us: int, gap_intervals: float
) -> BatchSettlement:
    """Return the outcomes of a batch, the forecasts that they close, and the links' records.

    Parameters
    ----------
    now_us, wait_us
        Forecasts computed more than ``wait_us`` before ``now_us``, at least twice the time to the
        last horizon and a gap, are closed without their actuals.
    gap_intervals
        As for `pba.scoring.settle`.
    """
    forecasts = batch.forecasts
    bodies = batch.records.to_bytes()
    outcomes: list[tuple[int, int, int, float, bool]] = []
    longest_us = 2e6 * (HORIZONS[-1] + gap_intervals) * forecasts.step_s
    closed = now_us - forecasts.created_us > np.maximum(wait_us, longest_us)
    for row, link in enumerate(batch.links.tolist()):
        record = LinkRecord.from_bytes(bodies[row])
        settlement = _settle(batch, link, record, gap_intervals)
        closed[list(settlement.closed)] = True
        bodies[row] = settlement.record.to_bytes()
        outcomes += [
            (one.forecast.id, one.horizon, one.at_us, one.actual_mbps, one.hit)
            for one in settlement.outcomes
        ]
    rows, horizons, times, actuals, hits = zip(*outcomes, strict=True) if outcomes else [()] * 5
    table = OutcomeTable(
        np.array(rows, dtype=np.int64),
        np.array(horizons, dtype=np.int64),
        np.array(times, dtype=np.int64),
        np.array(actuals, dtype=float),
        np.array(hits, dtype=bool),
    )
    return BatchSettlement(table, closed, RecordTable.from_bytes(bodies))


def _settle(batch: DueBatch, link: int, record: LinkRecord, gap_intervals: float) -> Settlement:
    samples, forecasts = batch.samples, batch.forecasts
    own = slice(*np.searchsorted(samples.link, [link, link + 1]))
    rows = range(*np.searchsorted(forecasts.link, [link, link + 1]).tolist())
    waiting = [_forecast(batch, row) for row in rows]
    return settle(waiting, samples.at_us[own], samples.bandwidth_mbps[own], record, gap_intervals)


def _forecast(batch: DueBatch, row: int) -> OpenForecast:
    one = batch.forecasts
    members = one.members_mbps[row]
    return OpenForecast(
        id=row,
        after_us=int(one.after_us[row]),
        step_s=float(one.step_s[row]),
        mode=MODES[one.mode[row]].value,
        source=SOURCES[one.source[row]],
        version=str(one.version[row]),
        created_us=int(one.created_us[row]),
        prediction={
            "points_mbps": one.points_mbps[row].tolist(),
            "confidence": one.confidence[row].tolist(),
            "unadapted": one.unadapted[row].tolist(),
            "quantiles_mbps": one.quantiles_mbps[row].tolist(),
            "members": {
                name: members[expert].tolist()
                for expert, name in enumerate(EXPERTS)
                if not np.isnan(members[expert]).any()
            },
        },
        settled=frozenset(
            steps
            for steps, actual in zip(HORIZONS, one.actual_mbps[row], strict=True)
            if not np.isnan(actual)
        ),
        arm=Arm(ARMS[one.arm[row]]),
        served=bool(one.served[row]),
    )
