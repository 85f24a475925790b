"""Links with new samples are scored, and no outcome is lost when the store fails."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from pba.errors import StoreUnavailable
from pba.monitoring.scorer import Scorer
from pba.store import SampleReport, Store, WriteBatch
from tests.monitoring.builders import START_S, last_value_forecast, write_series


def write_link(link_id: str, before: int, after: int) -> WriteBatch:
    """Return samples of a link, and a forecast based on those up to number ``before``."""
    telemetry = np.full((before + after, 5), np.nan)
    telemetry[:, 0] = 50.0
    times_s = START_S + np.arange(before + after)
    report = SampleReport(link_id, times_s, telemetry)
    return WriteBatch([report], [last_value_forecast(link_id, before - 1, 50.0)])


def test_only_links_with_a_notification_are_scored(store: Store):
    scorer = Scorer(store)
    for name in ("notified", "other"):
        store.write(write_link(name, 60, 1))
    scorer.notify(["notified", "unknown"])
    assert [outcome.steps for outcome in scorer.score()] == [1]
    assert store.link("notified").record.hits == 1
    assert store.link("other").record.hits == 0
    assert scorer.score() == []


def test_open_forecasts_are_scored_without_notifications(store: Store):
    batches = [write_link(f"l{number}", 5, number % 2) for number in range(205)]
    reports = [report for batch in batches for report in batch.reports]
    store.write(WriteBatch(reports, [batch.forecasts[0] for batch in batches]))
    assert len(Scorer(store).score_open()) == 102
    assert Scorer(store).score_open() == [], "another scorer scores nothing twice"


def test_a_notification_ends_the_wait(store: Store):
    scorer = Scorer(store)
    assert not scorer.wait(0.0)
    results: list[bool] = []
    waiter = threading.Thread(target=lambda: results.append(scorer.wait(30.0)))
    waiter.start()
    scorer.notify(["a"])
    waiter.join(20.0)
    assert results == [True]
    scorer.score()
    assert not scorer.wait(0.0), "the notification is used up"


def test_an_alarm_that_could_not_be_stored_is_reported_when_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, (265, 1)))
    scorer = Scorer(store)

    def score(mbps: np.ndarray, first: int) -> None:
        write_series(store, ["a"], mbps, first)
        scorer.notify(["a"])
        scorer.score()

    score(100.0 * noise[:200], 0)
    with monkeypatch.context() as patch:
        patch.setattr(store, "add_events", unavailable)
        score(60.0 * noise[200:201], 200)
        with pytest.raises(StoreUnavailable):
            score(60.0 * noise[201:250], 201)
        with pytest.raises(StoreUnavailable):
            score(60.0 * noise[250:260], 250)
    assert store.newest_link_events("drift") == []
    score(60.0 * noise[260:], 260)
    (alarm,) = store.newest_link_events("drift")
    assert START_S + 195 <= alarm.body["since_s"] <= START_S + 205


def unavailable(_: object) -> None:
    raise StoreUnavailable("gone")


@pytest.mark.parametrize("call", [Scorer.score, Scorer.score_open])
def test_a_link_whose_scoring_failed_is_scored_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: Callable[[Scorer], object]
):
    store.write(write_link("a", 60, 1))
    scorer = Scorer(store)
    scorer.notify(["a"])
    with monkeypatch.context() as patch:
        patch.setattr(store, "settle", unavailable)
        with pytest.raises(StoreUnavailable):
            call(scorer)
    assert len(scorer.score_open()) == 1
