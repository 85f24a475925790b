"""Nothing is scored twice and nothing is lost, whatever happens between claim and write."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import event, text

from pba.monitoring.scorer import Scorer
from pba.scoring.batch_settlement import settle_batch
from pba.store import Claim, ScoredLinks, Store
from tests.store.builders import (
    NOW_S,
    SampleReport,
    sample_report,
    settle,
    stored_forecast,
    write,
)

LINKS = [f"l{number}" for number in range(6)]
HOUR_US = 3_600_000_000


@dataclass
class Monitors:
    """Two stores of one database, and the clock of both."""

    first: Store
    second: Store
    now: list[float]


@pytest.fixture
def monitors(url: str) -> Iterator[Monitors]:
    now = [NOW_S]
    stores = [Store(url, lambda: now[0]).ready() for _ in range(2)]
    yield Monitors(stores[0], stores[1], now)
    for store in stores:
        store.close()


def write_links(store: Store, names: list[str] = LINKS) -> None:
    """Write links with a forecast each, and the sample after it."""
    forecasts = [stored_forecast(name, 59) for name in names]
    write(store, *(sample_report(name, 0, 61) for name in names), forecasts=forecasts)


def scored(store: Store, claim: Claim) -> ScoredLinks:
    """Read and settle the links of a claim, and write nothing."""
    batch = store.scoring.read(claim)
    settlement = settle_batch(batch, store.scoring.now_us, HOUR_US)
    count = len(batch.links)
    none = np.zeros(count)
    return ScoredLinks(batch, settlement, (None,) * count, none > 0, none, (), np.ones(count, bool))


def test_claims_have_no_link_in_common_and_run_out(monitors: Monitors, url: str):
    if url.startswith("sqlite"):
        pytest.skip("a SQLite file has one Monitor at a time, which writes no claims")
    write_links(monitors.first)
    first = monitors.first.scoring.claim(4, 30.0)
    second = monitors.second.scoring.claim(4, 30.0)
    assert (len(first), len(second)) == (4, 2)
    assert set(first.links.tolist()).isdisjoint(second.links.tolist())
    assert len(monitors.second.scoring.claim(4, 30.0)) == 0
    monitors.first.scoring.release(first)
    assert len(monitors.second.scoring.claim(9, 30.0)) == 4, "given back"
    monitors.now[0] += 31.0
    assert len(monitors.first.scoring.claim(9, 30.0)) == 6, "nobody has them any more"
    assert monitors.first.scoring.backlog() == (6, 31.0)


def test_links_of_a_monitor_that_died_are_scored_once_by_the_next(monitors: Monitors):
    write_links(monitors.first)
    scored(monitors.first, monitors.first.scoring.claim(500, 30.0))  # and nothing after that
    monitors.now[0] += 31.0
    assert len(settle(monitors.second)) == len(LINKS)
    assert [link.record.scored for link in monitors.first.links(None, "", 10)] == [1] * 6


def test_of_two_monitors_with_the_same_links_one_writes(monitors: Monitors):
    write_links(monitors.first)
    claim = monitors.first.scoring.claim(500, 30.0)
    slow = scored(monitors.first, claim)
    monitors.now[0] += 31.0
    write_links(monitors.first, ["other"])
    assert len(settle(monitors.second)) == 7
    assert len(monitors.first.scoring.write(claim, slow).outcomes) == 0
    assert [link.record.scored for link in monitors.first.links(None, "", 10)] == [1] * 7
    summed = "SELECT sum(scored) FROM aggregate_deltas"
    database = monitors.first.scoring._database
    assert database.read(lambda connection: connection.execute(text(summed)).scalar()) == 7


def test_the_links_that_nobody_else_scored_are_written(monitors: Monitors):
    write_links(monitors.first)
    claim = monitors.first.scoring.claim(500, 30.0)
    slow = scored(monitors.first, claim)
    monitors.now[0] += 31.0
    Scorer(monitors.second, links=2).score_due()
    written = monitors.first.scoring.write(claim, slow)
    assert len(written.outcomes) == 4
    settle(monitors.second)
    monitors.now[0] += 31.0
    settle(monitors.second)
    assert [link.record.scored for link in monitors.first.links(None, "", 10)] == [1] * 6
    assert monitors.first.scoring.backlog() == (0, 0.0)


def test_a_sample_that_comes_while_its_link_is_scored_is_not_lost(store: Store):
    write_links(store)
    claim = store.scoring.claim(500, 30.0)
    read = scored(store, claim)
    write(store, sample_report("l1", 61, 4))
    assert len(store.scoring.write(claim, read).outcomes) == 6
    assert store.scoring.backlog()[0] == 1
    (outcome,) = settle(store)
    assert (outcome.link_id, outcome.steps) == ("l1", 5)
    assert store.scoring.backlog()[0] == 0


def test_a_link_that_is_deleted_while_it_is_scored_loses_its_outcomes_and_nothing_else(
    store: Store,
):
    write_links(store)
    claim = store.scoring.claim(500, 30.0)
    read = scored(store, claim)
    store.delete("l1")
    assert len(store.scoring.write(claim, read).outcomes) == 5
    settle(store)
    assert store.scoring.backlog()[0] == 0
    states = {link.link_id: link.record.scored for link in store.links(None, "", 10)}
    assert states == dict.fromkeys(("l0", "l2", "l3", "l4", "l5"), 1)
    count = "SELECT count(*) FROM link_records"
    database = store.scoring._database
    assert database.read(lambda connection: connection.execute(text(count)).scalar()) == 5


def test_several_monitors_at_once_score_each_forecast_once(monitors: Monitors, url: str):
    names = [f"l{number:03}" for number in range(60)]
    write(monitors.first, *(sample_report(name, 0, 60) for name in names))
    outcomes: list[int] = []
    done = threading.Event()
    errors: list[BaseException] = []

    def work(store: Store) -> None:
        scorer = Scorer(store, links=25)
        try:
            while (batch := scorer.score_due()).links or not done.is_set():
                outcomes.append(batch.outcomes)
        except BaseException as error:
            errors.append(error)

    stores = [monitors.first, monitors.second, monitors.first]
    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for step in range(20):
        forecasts = [stored_forecast(name, 59 + step) for name in names]
        write(monitors.second, forecasts=forecasts)
        write(monitors.second, *(sample_report(name, 60 + step, 1) for name in names))
        monitors.now[0] += 7.0  # claims run out while they are worked on
    done.set()
    for thread in threads:
        thread.join(120.0)
    assert errors == []
    monitors.now[0] += 31.0
    rest = len(settle(monitors.first))
    assert sum(outcomes) + rest == 60 * (20 + 16 + 6)
    assert [link.record.scored for link in monitors.first.links(None, "", 100)] == [20] * 60


def count_steps(store: Store, work: Callable[[], object]) -> int:
    """Return how many instructions SQLite executes for ``work``."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    engine = store.scoring._database.engine

    def watch(connection: object, *_: object) -> None:
        connection.set_progress_handler(count, 1)  # type: ignore[attr-defined]

    event.listen(engine, "checkout", watch)
    try:
        work()
    finally:
        event.remove(engine, "checkout", watch)
        engine.dispose()
    return steps


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_silent_links_with_open_forecasts_cause_no_work(store: Store):
    def step(number: int) -> int:
        report, forecast = sample_report("active", number, 1), stored_forecast("active", number)
        write(store, report, forecasts=[forecast])
        return count_steps(store, lambda: settle(store))

    write(store, sample_report("active", 0, 60))
    for number in range(60, 100):
        step(number)  # from here on it has as many open forecasts at each step
    alone = [step(number) for number in range(100, 104)]
    silent = [f"silent{number}" for number in range(1000)]
    reports: list[SampleReport] = [sample_report(name, 0, 3) for name in silent]
    forecasts = [stored_forecast(name, after) for name in silent for after in (1, 2)]
    write(store, *reports, forecasts=forecasts)
    assert len(settle(store)) == 1000
    beside = [step(number) for number in range(104, 108)]
    assert min(alone) > 500
    assert max(beside) < 1.05 * max(alone)
    assert count_steps(store, lambda: settle(store)) < 100, "nothing is due"
