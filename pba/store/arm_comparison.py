"""The two arms compared: v1 and v3 forecasts of the same link after the same sample.

The sums are those of `hour_pair_aggregates`, of `pair_aggregates` for the hour in which a period
starts, and of the deltas that are not added to them yet.
"""

from math import exp, lgamma, log
from typing import Any

from sqlalchemy import Connection, and_, func, select, union, union_all

from pba.rollout import Arm
from pba.rollout.sequential_test import THRESHOLD
from pba.scoring.codes import ARMS, MODES
from pba.scoring.latency_sums import MINUTE_US
from pba.store.aggregate_fold import coded_names
from pba.store.report_tables import (
    HOUR_US,
    PAIR_SUMS,
    hour_pair_aggregates,
    pair_aggregates,
    pair_deltas,
)
from pba.store.statements import to_micros
from pba.store.tables import aggregate_deltas, aggregates, flags, versions
from pba.types import rfc3339_of

__all__ = ["compare"]

_SUMS = ("hits", "absolute_error_mbps", "error_mbps", "took_ms")
_MEANS = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")


def compare(connection: Connection, since_s: float) -> dict[str, Any]:
    """Return how v3 compares with v1 where both predicted after the same sample of a link.

    Only scored forecasts one step ahead count, of which the later was created at or after
    ``since_s`` (Unix seconds): exactly so if that is the last change of the flags, and else from
    the start of its minute on. Overall and by mode: the number of pairs, how many only one of the
    arms had in band, accuracy, MAE, bias and mean latency of each arm, and the verdict of
    `pba.rollout.sequential_test`. ``versions`` lists those with a scored forecast since then.
    """
    since_us = to_micros(since_s)
    minute_us = since_us // MINUTE_US * MINUTE_US
    changed_us = connection.execute(select(flags.c.changed_us)).scalar()
    sums = _pair_sums(connection, since_us if since_us == changed_us else minute_us)
    overall = {name: sum(mode[name] for mode in sums.values()) for name in PAIR_SUMS}
    return {
        "since": rfc3339_of(since_s),
        "versions": _versions(connection, since_us),
        "overall": _summary(overall),
        "modes": {mode: _summary(by_mode) for mode, by_mode in sorted(sums.items())},
    }


def _pair_sums(connection: Connection, since_us: int) -> dict[str, dict[str, float]]:
    """Return the sums over the pairs of periods that start at ``since_us`` or later, by mode."""
    hour_us = -(-since_us // HOUR_US) * HOUR_US
    minutes, hours, deltas = pair_aggregates.c, hour_pair_aggregates.c, pair_deltas.c
    parts = [
        select(columns.mode, *(columns[name] for name in PAIR_SUMS)).where(of_period)
        for columns, of_period in (
            (minutes, and_(minutes.from_us >= since_us, minutes.from_us < hour_us)),
            (hours, hours.hour_us >= hour_us),
            (deltas, deltas.from_us >= since_us),
        )
    ]
    both = union_all(*parts).subquery()
    sums = [func.sum(both.c[name]).label(name) for name in PAIR_SUMS]
    query = select(both.c.mode, *sums).group_by(both.c.mode)
    rows = connection.execute(query).mappings()
    return {MODES[row["mode"]].value: {name: row[name] for name in PAIR_SUMS} for row in rows}


def _versions(connection: Connection, since_us: int) -> dict[str, list[str]]:
    """Return the versions of each arm of which a forecast since ``since_us`` is scored."""
    old = select(aggregates.c.arm, aggregates.c.version)
    deltas = aggregate_deltas.c
    new = select(coded_names(ARMS, deltas.arm), versions.c.name)
    new = new.join(versions, versions.c.id == deltas.version)
    rows = connection.execute(
        union(
            # Those that only the release before has scored count among all alone.
            old.where(func.coalesce(aggregates.c.newest_us, 0) >= since_us),
            new.where(deltas.newest_us >= since_us),
        )
    ).all()
    return {
        arm.value: sorted(version for of_arm, version in rows if of_arm == arm and version)
        for arm in Arm
    }


def _summary(sums: dict[str, Any]) -> dict[str, Any]:
    """Return counts and means from the sums over pairs."""
    pairs = int(sums["pairs"])
    wins, losses = int(sums["v3_only"]), int(sums["v1_only"])

    def arm(name: Arm) -> dict[str, float | None]:
        means = [float(sums[f"{name}_{key}"]) / pairs if pairs else None for key in _SUMS]
        return dict(zip(_MEANS, means, strict=True))

    return {
        "pairs": pairs,
        "v3_only": wins,
        "v1_only": losses,
        **{name.value: arm(name) for name in Arm},
        "evidence": _bayes_factor(wins, losses),
        "verdict": _verdict(wins, losses),
    }


def _bayes_factor(wins: int, losses: int) -> float:
    """Return the likelihood of the pairs under coins of any bias over that under a fair coin."""
    pairs = wins + losses
    log_beta = lgamma(wins + 1) + lgamma(losses + 1) - lgamma(pairs + 2)
    return exp(min(log_beta + pairs * log(2.0), 700.0))


def _verdict(wins: int, losses: int) -> str:
    if _bayes_factor(wins, losses) < THRESHOLD:
        return "undecided"
    return "better" if wins > losses else "worse"
