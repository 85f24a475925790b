"""Links with new samples are scored once, whatever happens to a Monitor meanwhile."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pba.errors import StoreUnavailable
from pba.monitoring import scorer as scorer_module
from pba.monitoring.scorer import Scorer
from pba.scoring.batch import BatchSettlement, DueBatch
from pba.store import SampleReport, Store, WriteBatch
from tests.monitoring.builders import START_S, last_value_forecast, write_series
from tests.support.databases import new_file


def write_link(link_id: str, before: int, after: int) -> WriteBatch:
    """Return samples of a link, and a forecast based on those up to number ``before``."""
    telemetry = np.full((before + after, 5), np.nan)
    telemetry[:, 0] = 50.0
    times_s = START_S + np.arange(before + after)
    report = SampleReport(link_id, times_s, telemetry)
    return WriteBatch([report], [last_value_forecast(link_id, before - 1, 50.0)])


def scored(scorer: Scorer) -> int:
    """Score until nothing is due; return the number of outcomes."""
    outcomes = 0
    while (batch := scorer.score_due()).links:
        outcomes += batch.outcomes
    return outcomes


def test_links_with_new_samples_are_due_until_they_are_scored(store: Store):
    batches = [write_link(f"l{number}", 5, number % 2) for number in range(205)]
    reports = [report for batch in batches for report in batch.reports]
    store.write(WriteBatch(reports, [batch.forecasts[0] for batch in batches]))
    assert store.scoring.backlog()[0] == 205
    scorer = Scorer(store, links=100)
    first = scorer.score_due()
    assert (first.links, first.full) == (100, True)
    assert first.outcomes + scored(scorer) == 102
    assert store.scoring.backlog() == (0, 0.0)
    assert scorer.score_due().links == 0
    store.write(WriteBatch(reports))
    assert store.scoring.backlog()[0] == 0, "repeated samples bring nothing new"


def test_those_that_wait_longest_are_scored_first(tmp_path: Any):
    now = [2e9]
    store = Store(new_file(tmp_path / "pba.db"), lambda: now[0]).ready()
    for name in ("c", "a", "b"):
        store.write(write_link(name, 5, 1))
        now[0] += 5.0
    assert store.scoring.backlog() == (3, 15.0)
    scorer = Scorer(store, links=1)
    parts = [scorer.score_due().parts[0].batch.names for _ in range(3)]
    assert parts == [("c",), ("a",), ("b",)]
    store.close()


def test_a_forecast_that_is_stored_after_its_actuals_is_scored(store: Store):
    batch = write_link("a", 60, 20)
    scorer = Scorer(store)
    store.write(WriteBatch(batch.reports))
    assert scored(scorer) == 0
    store.write(WriteBatch((), batch.forecasts))
    assert scored(scorer) == 3


def test_a_minute_of_samples_at_once_is_scored(store: Store):
    write_series(store, ["a"], np.full((60, 1), 50.0))
    scorer = Scorer(store)
    assert scored(scorer) == 59 + 55 + 45
    write_series(store, ["a"], np.full((60, 1), 50.0), first=60)
    assert scored(scorer) == 3 * 60


def test_a_long_backlog_of_one_link_takes_several_turns(store: Store):
    write_series(store, ["a"], np.full((1300, 1), 50.0))
    scorer = Scorer(store)
    turns = 0
    outcomes = 0
    while (batch := scorer.score_due()).links:
        turns += 1
        outcomes += batch.outcomes
    assert outcomes == 1299 + 1295 + 1285
    assert 3 <= turns <= 6
    assert store.scoring.backlog() == (0, 0.0)


def test_a_forecast_waits_by_the_service_s_clock_and_is_then_closed(tmp_path: Any):
    now = [2e9]
    store = Store(new_file(tmp_path / "pba.db"), lambda: now[0]).ready()
    scorer = Scorer(store, wait_s=3600.0)
    batch = write_link("a", 60, 3)
    forecast = last_value_forecast("a", 59, 50.0, created_s=now[0])
    store.write(WriteBatch(batch.reports, [forecast]))
    assert scored(scorer) == 1, "samples of 2001 are scored as others are"

    def report(number: int) -> None:
        telemetry = np.full((1, 5), 50.0)
        telemetry[:, 2:] = np.nan
        store.write(WriteBatch([SampleReport("a", np.array([START_S + number]), telemetry)]))

    now[0] += 3599.0
    report(63)
    report(64)
    assert scored(scorer) == 1
    now[0] += 2.0
    report(65)
    assert scored(scorer) == 0
    for number in range(66, 80):
        report(number)
    assert scored(scorer) == 0, "it is closed: the actual 15 steps ahead is not scored"
    store.close()


def unavailable(*_: object) -> None:
    raise StoreUnavailable("gone")


@pytest.mark.parametrize("call", ["read", "write"])
def test_a_link_whose_scoring_failed_is_scored_as_soon_as_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str
):
    store.write(write_link("a", 60, 1))
    scorer = Scorer(store)
    with monkeypatch.context() as patch:
        patch.setattr(store.scoring, call, unavailable)
        with pytest.raises(StoreUnavailable):
            scorer.score_due()
    assert scored(scorer) == 1


def test_a_link_that_cannot_be_scored_holds_up_no_other(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    now = [2e9]
    store = Store(new_file(tmp_path / "pba.db"), lambda: now[0]).ready()
    for number in range(20):
        store.write(write_link(f"l{number}", 5, 1))
    settle_batch: Callable[..., BatchSettlement] = scorer_module.settle_batch

    def settle_others(batch: DueBatch, *options: Any) -> BatchSettlement:
        if "l7" in batch.names:
            raise ZeroDivisionError("l7 is odd")
        return settle_batch(batch, *options)

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(scorer_module, "settle_batch", settle_others)
        assert scored(Scorer(store)) == 19
    assert "ZeroDivisionError: l7 is odd" in caplog.text
    assert store.scoring.backlog()[0] == 1
    assert scored(Scorer(store)) == 0, "it is left alone for a while"
    now[0] += 31.0
    assert scored(Scorer(store)) == 1
    store.close()


def test_an_alarm_of_a_link_opens_and_ends_whichever_monitor_looks(store: Store):
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, (500, 1)))
    alarms = []
    for first, last, level in ((0, 200, 100.0), (200, 260, 60.0), (260, 500, 60.0)):
        write_series(store, ["a"], level * noise[first:last], first)
        scorer = Scorer(store)  # another one knows of the link what is stored
        while (batch := scorer.score_due()).links:
            alarms += batch.events
    stages = [event.body["stage"] for event in alarms]
    assert (stages[0], stages[-1], stages.count("opened")) == ("opened", "ended", 1)
    assert {event.body["opened_s"] for event in alarms} == {alarms[0].body["opened_s"]}
    assert START_S + 195 <= alarms[0].body["since_s"] <= START_S + 205
    stored = [event.body["stage"] for event in store.events("drift")]
    assert stored[::-1] == stages


def test_forecasts_for_comparison_raise_no_alarm(store: Store):
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, 260))
    levels = np.where(np.arange(260) < 200, 100.0, 60.0) * noise
    write_series(store, ["a"], levels[:, None], served=False)
    assert scored(Scorer(store)) > 0
    assert store.events("drift") == []


def test_a_batch_says_how_long_its_links_waited_and_what_was_never_scored(tmp_path: Any):
    now = [2e9]
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: now[0]).ready()
    store.write(write_link("scored", 5, 20))
    now[0] += 12.5
    batch = Scorer(store).score_due()
    assert (batch.waits_s, batch.unscored()) == ((12.5,), {})
    store.write(write_link("silent", 5, 0))  # a forecast from over an hour ago
    internet = 1
    assert Scorer(store).score_due().unscored() == {internet: 1}
    store.close()
