"""The two arms compared: v1 and v3 forecasts of the same link after the same sample."""

from typing import Any

from sqlalchemy import Connection, func, select, union

from pba.rollout import Arm
from pba.rollout.sequential_test import BLOCKS_NEEDED, THRESHOLD
from pba.scoring.codes import ARMS, MODES
from pba.scoring.latency_sums import MINUTE_US
from pba.store.aggregate_fold import coded_names
from pba.store.aggregate_tables import aggregate_deltas, aggregates
from pba.store.pair_totals import pair_totals
from pba.store.report_tables import PAIR_SUMS
from pba.store.statements import to_micros
from pba.store.tables import versions
from pba.store.verdict_blocks import changed_us, standing
from pba.types import rfc3339_of

__all__ = ["compare"]

_NO_TEST: dict[str, Any] = {
    "evidence": 1.0,
    "decides_at": THRESHOLD,
    "blocks": 0,
    "blocks_needed": BLOCKS_NEEDED,
    "block_s": None,
    "links": 0,
    "verdict": "undecided",
}
"""Before a block has begun."""

_SUMS = ("hits", "absolute_error_mbps", "error_mbps", "took_ms")
_MEANS = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")


def compare(connection: Connection, since_s: float) -> dict[str, Any]:
    """Return how v3 compares with v1 where both predicted after the same sample of a link.

    Only scored forecasts one step ahead count, of which the later was created at or after
    ``since_s`` (Unix seconds): exactly so if that is the last change of the flags, and else from
    the start of its minute on. Overall and by mode: the number of pairs, how many only one of the
    arms had in band, accuracy, MAE, bias and mean latency of each arm. ``versions`` lists those
    with a scored forecast since then.

    The verdict of `pba.rollout.sequential_test` is always that of the blocks that have closed
    since the last change of the flags, as a Monitor has stored it.
    """
    since_us = to_micros(since_s)
    minute_us = since_us // MINUTE_US * MINUTE_US
    exact = since_us == changed_us(connection)
    totals = pair_totals(connection, since_us if exact else minute_us)
    sums = {MODES[code].value: of_mode for code, of_mode in totals.items()}
    tests = standing(connection)
    # The test of the only mode is that of all.
    lone = tests.get("overall", _NO_TEST) if len(tests) < 2 else _NO_TEST
    overall = {name: sum(mode[name] for mode in sums.values()) for name in PAIR_SUMS}
    return {
        "since": rfc3339_of(since_s),
        "versions": _versions(connection, since_us),
        "overall": _summary(overall) | tests.get("overall", _NO_TEST),
        "modes": {
            mode: _summary(by_mode) | tests.get(mode, lone)
            for mode, by_mode in sorted(sums.items())
        },
    }


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

    def arm(name: Arm) -> dict[str, float | None]:
        means = [float(sums[f"{name}_{key}"]) / pairs if pairs else None for key in _SUMS]
        return dict(zip(_MEANS, means, strict=True))

    return {
        "pairs": pairs,
        "v3_only": int(sums["v3_only"]),
        "v1_only": int(sums["v1_only"]),
        **{name.value: arm(name) for name in Arm},
    }
