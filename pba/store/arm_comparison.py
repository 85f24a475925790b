"""The two arms held against each other: on the same link, at the same moment."""

from typing import Any

from sqlalchemy import Connection, Integer, and_, cast, func, select

from pba.rollout import Arm
from pba.rollout.sequential_test import bayes_factor, verdict
from pba.store.rows import micros
from pba.store.tables import forecasts, outcomes
from pba.types import rfc3339_of

__all__ = ["compare"]

_SUMS = ("hits", "absolute_error_mbps", "error_mbps", "took_ms")


def compare(connection: Connection, since_s: float) -> dict[str, Any]:
    """Return how v3 does against v1 on all moments since ``since_s`` for which both have spoken.

    Of forecasts one step ahead that were scored: pairs, how many only one of the arms had in band,
    accuracy, MAE, bias and mean time of each, and what that proves (`pba.rollout.sequential_test`).
    """
    rows = connection.execute(_pairs(micros(since_s))).mappings().all()
    versions = connection.execute(_versions(micros(since_s))).all()
    parts = {row["mode"]: dict(row) for row in rows}
    names = [name for name in parts[next(iter(parts))] if name != "mode"] if parts else []
    overall = {name: sum(part[name] for part in parts.values()) for name in names}
    return {
        "since": rfc3339_of(since_s),
        "versions": {
            arm.value: sorted({row.version for row in versions if row.arm == arm and row.version})
            for arm in Arm
        },
        "overall": _told(overall),
        "modes": {mode: _told(part) for mode, part in sorted(parts.items())},
    }


def _pairs(since_us: int) -> Any:
    """Return the query of sums over pairs, by mode."""
    made = {arm: forecasts.alias(arm.value) for arm in Arm}
    came = {arm: outcomes.alias(f"came_{arm.value}") for arm in Arm}
    v1, v3 = made[Arm.V1], made[Arm.V3]
    joined = v1.join(v3, and_(v3.c.link == v1.c.link, v3.c.after_us == v1.c.after_us))
    hits = {arm: cast(came[arm].c.hit, Integer) for arm in Arm}
    columns = [
        func.count().label("pairs"),
        func.sum(hits[Arm.V3] * (1 - hits[Arm.V1])).label("v3_only"),
        func.sum(hits[Arm.V1] * (1 - hits[Arm.V3])).label("v1_only"),
    ]
    for arm in Arm:
        joined = joined.join(
            came[arm], and_(came[arm].c.forecast == made[arm].c.id, came[arm].c.steps == 1)
        )
        error = came[arm].c.forecast_mbps - came[arm].c.actual_mbps
        sums = (hits[arm], func.abs(error), error, made[arm].c.took_ms)
        columns += [
            func.sum(one).label(f"{arm}_{name}") for name, one in zip(_SUMS, sums, strict=True)
        ]
    query = select(v3.c.mode, *columns).select_from(joined)
    query = query.where(v1.c.arm == Arm.V1, v3.c.arm == Arm.V3, v1.c.made_us >= since_us)
    return query.group_by(v3.c.mode)


def _versions(since_us: int) -> Any:
    columns = forecasts.c.arm, forecasts.c.version
    return select(*columns).where(forecasts.c.made_us >= since_us).distinct()


def _told(sums: dict[str, Any]) -> dict[str, Any]:
    pairs = int(sums.get("pairs", 0))
    wins, losses = int(sums.get("v3_only", 0)), int(sums.get("v1_only", 0))

    def arm(name: Arm) -> dict[str, float | None]:
        held = [float(sums[f"{name}_{one}"]) / pairs if pairs else None for one in _SUMS]
        return dict(zip(("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms"), held, strict=True))

    return {
        "pairs": pairs,
        "v3_only": wins,
        "v1_only": losses,
        **{one.value: arm(one) for one in Arm},
        "evidence": bayes_factor(wins, losses),
        "verdict": verdict(wins, losses),
    }
