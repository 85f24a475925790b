"""Forecasts of both arms after one sample are a pair once both are scored."""

from dataclasses import replace
from typing import Any

import numpy as np

from pba.scoring.arm_pairs import new_pairs, pair_results
from pba.scoring.batch import OpenForecasts, OutcomeTable
from tests.scoring.link_batches import Link, batch_of, random_link

V1, V3 = 0, 1


def forecasts_of(*rows: tuple[int, int, int, float], known: dict[int, float]) -> OpenForecasts:
    """Return forecasts of one link: after, arm, version and point; ``known`` are stored actuals."""
    link = random_link(1, varies=False, merges=False, step_s=1.0)
    some = link.forecasts[0]
    forecasts: list[dict[str, Any]] = [
        some | {"after_us": after, "arm": arm, "version": version, "created_us": 10 * place}
        for place, (after, arm, version, _) in enumerate(rows)
    ]
    table = batch_of([Link([], [], forecasts, link.record)]).forecasts
    actual_mbps = np.full((len(rows), 3), np.nan)
    for row, actual in known.items():
        actual_mbps[row, 0] = actual
    points = np.repeat([[row[3]] for row in rows], 3, axis=1)
    return replace(table, actual_mbps=actual_mbps, points_mbps=points, mode=np.arange(len(rows)))


def outcomes_of(rows: list[int], target: int = 0, actual_mbps: float = 100.0) -> OutcomeTable:
    """Return outcomes of some forecasts."""
    count = len(rows)
    return OutcomeTable(
        np.array(rows, dtype=np.int64),
        np.full(count, target),
        np.zeros(count, dtype=np.int64),
        np.full(count, actual_mbps),
        np.ones(count, dtype=bool),
    )


def test_a_pair_has_the_mode_of_v3_and_the_time_of_the_later_forecast():
    forecasts = forecasts_of((5, V1, 1, 130.0), (5, V3, 2, 110.0), (6, V3, 2, 100.0), known={})
    assert pair_results(forecasts, outcomes_of([0, 1, 2])) == [
        {
            "link": 3,
            "after_us": 5,
            "created_us": 10,
            "mode": 1,
            "v1_hit": False,
            "v3_hit": True,
        }
    ]


def test_a_pair_is_complete_once():
    rows = (5, V1, 1, 100.0), (5, V3, 2, 100.0)
    assert pair_results(forecasts_of(*rows, known={}), outcomes_of([0])) == []
    (later,) = pair_results(forecasts_of(*rows, known={0: 100.0}), outcomes_of([1]))
    assert (later["v1_hit"], later["v3_hit"]) == (True, True)
    both = forecasts_of(*rows, known={0: 100.0, 1: 100.0})
    assert pair_results(both, outcomes_of([0, 1], target=1)) == []


def test_an_actual_that_is_stored_decides_its_own_hit():
    forecasts = forecasts_of((5, V1, 1, 100.0), (5, V3, 2, 100.0), known={0: 50.0})
    pairs = new_pairs(forecasts, outcomes_of([1]))
    assert (pairs.v1_actual_mbps.tolist(), pairs.v3_actual_mbps.tolist()) == ([50.0], [100.0])
    (row,) = pair_results(forecasts, outcomes_of([1]))
    assert (row["v1_hit"], row["v3_hit"]) == (False, True)


def test_of_several_versions_of_an_arm_the_first_that_is_scored_counts():
    forecasts = forecasts_of(
        (5, V1, 1, 100.0), (5, V3, 2, 100.0), (5, V3, 3, 300.0), (7, V1, 1, 100.0), known={}
    )
    pairs = new_pairs(forecasts, outcomes_of([0, 1, 2, 3]))
    assert (pairs.v1.tolist(), pairs.v3.tolist()) == ([0], [1])


def test_forecasts_of_two_links_after_one_time_are_no_pair():
    forecasts = forecasts_of((5, V1, 1, 100.0), (5, V3, 2, 100.0), known={})
    apart = replace(forecasts, link=np.array([3, 6]))
    assert pair_results(apart, outcomes_of([0, 1])) == []
