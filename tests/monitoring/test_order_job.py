"""Records that the release before has written get what links are sorted by."""

import numpy as np
import pytest
from sqlalchemy import null, update

from pba.monitoring import order_job
from pba.monitoring.order_job import fill_orders
from pba.monitoring.scorer import Scorer
from pba.store import Store
from pba.store.tables import records
from tests.monitoring.builders import write_series
from tests.store.deltas import rows_of

NAMES = ("accuracy_permille", "drift_size")


def test_values_that_are_missing_are_those_that_scoring_writes(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_job, "_LINKS", 4)
    links = [f"l{number}" for number in range(9)]
    rates = np.random.default_rng(0).uniform(50.0, 90.0, (300, 9))
    rates[200:, :3] *= 0.2
    write_series(store, links, rates)
    while Scorer(store).score_due().links:
        pass
    written = orders(store)
    assert len({permille for _, permille, _ in written}) > 3
    assert {size > 0 for *_, size in written} == {True, False}
    store._database.write(
        lambda connection: connection.execute(update(records).values(dict.fromkeys(NAMES, null())))
    )
    rounds = 1
    while fill_orders(store):
        rounds += 1
    assert orders(store) == written
    assert rounds == 3


def test_a_record_that_is_scored_meanwhile_is_left_to_that(store: Store):
    insert = {"link": 1, "generation": 7, "body": b"", "accuracy_permille": None}
    store._database.write(
        lambda connection: connection.execute(records.insert(), [insert, insert | {"link": 2}])
    )
    store.jobs.write_orders({(1, 6): (900, 0.5), (2, 7): (800, 0.25)})
    assert orders(store) == [(1, None, None), (2, 800, 0.25)]


def orders(store: Store) -> list[tuple[int, int | None, float | None]]:
    return [(row["link"], *(row[name] for name in NAMES)) for row in rows_of(store, records)]
