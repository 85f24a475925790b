"""The two arms compared: v1 and v3 forecasts of the same link after the same sample."""

from typing import Any

from sqlalchemy import Connection, Integer, and_, cast, func, select

from pba.rollout import Arm
from pba.rollout.sequential_test import bayes_factor, verdict
from pba.store.old_tables import old_forecasts as forecasts, old_outcomes as outcomes
from pba.store.statements import to_micros
from pba.types import rfc3339_of

__all__ = ["compare"]

_SUMS = ("hits", "absolute_error_mbps", "error_mbps", "took_ms")
_MEANS = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")


def compare(connection: Connection, since_s: float) -> dict[str, Any]:
    """Return how v3 compares with v1 where both predicted after the same sample of a link.

    Only scored forecasts one step ahead, created at or after ``since_s`` (Unix seconds), count.
    Overall and by mode: the number of pairs, how many only one of the arms had in band, accuracy,
    MAE, bias and mean latency of each arm, and the verdict of `pba.rollout.sequential_test`.
    """
    since_us = to_micros(since_s)
    rows = connection.execute(_pairs(since_us)).mappings().all()
    versions = connection.execute(_versions(since_us)).all()
    modes = {row["mode"]: dict(row) for row in rows}
    names = [name for name in modes[next(iter(modes))] if name != "mode"] if modes else []
    overall = {name: sum(sums[name] for sums in modes.values()) for name in names}
    return {
        "since": rfc3339_of(since_s),
        "versions": {
            arm.value: sorted({row.version for row in versions if row.arm == arm and row.version})
            for arm in Arm
        },
        "overall": _summary(overall),
        "modes": {mode: _summary(sums) for mode, sums in sorted(modes.items())},
    }


def _pairs(since_us: int) -> Any:
    """Return the query of sums over pairs, by mode."""
    forecast = {arm: forecasts.alias(arm.value) for arm in Arm}
    outcome = {arm: outcomes.alias(f"outcome_{arm.value}") for arm in Arm}
    v1, v3 = forecast[Arm.V1], forecast[Arm.V3]
    joined = v1.join(v3, and_(v3.c.link == v1.c.link, v3.c.after_us == v1.c.after_us))
    hits = {arm: cast(outcome[arm].c.hit, Integer) for arm in Arm}
    columns = [
        func.count().label("pairs"),
        func.sum(hits[Arm.V3] * (1 - hits[Arm.V1])).label("v3_only"),
        func.sum(hits[Arm.V1] * (1 - hits[Arm.V3])).label("v1_only"),
    ]
    for arm in Arm:
        joined = joined.join(
            outcome[arm],
            and_(outcome[arm].c.forecast == forecast[arm].c.id, outcome[arm].c.steps == 1),
        )
        error = outcome[arm].c.forecast_mbps - outcome[arm].c.actual_mbps
        sums = (hits[arm], func.abs(error), error, forecast[arm].c.took_ms)
        columns += [
            func.sum(value).label(f"{arm}_{name}") for name, value in zip(_SUMS, sums, strict=True)
        ]
    query = select(v3.c.mode, *columns).select_from(joined)
    query = query.where(v1.c.arm == Arm.V1, v3.c.arm == Arm.V3, v1.c.made_us >= since_us)
    return query.group_by(v3.c.mode)


def _versions(since_us: int) -> Any:
    columns = forecasts.c.arm, forecasts.c.version
    return select(*columns).where(forecasts.c.made_us >= since_us).distinct()


def _summary(sums: dict[str, Any]) -> dict[str, Any]:
    """Return counts and means from the sums over pairs."""
    pairs = int(sums.get("pairs", 0))
    wins, losses = int(sums.get("v3_only", 0)), int(sums.get("v1_only", 0))

    def arm(name: Arm) -> dict[str, float | None]:
        means = [float(sums[f"{name}_{key}"]) / pairs if pairs else None for key in _SUMS]
        return dict(zip(_MEANS, means, strict=True))

    return {
        "pairs": pairs,
        "v3_only": wins,
        "v1_only": losses,
        **{name.value: arm(name) for name in Arm},
        "evidence": bayes_factor(wins, losses),
        "verdict": verdict(wins, losses),
    }
