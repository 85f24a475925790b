import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pba.errors import StoreUnavailable
from pba.monitoring.scorer import Scorer
from pba.scoring import Outcome
from pba.store import SampleReport, Store, StoredForecast, WriteBatch


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9).ready()


def lived(store: Store, link_id: str, known: int, came: int) -> None:
    """Have a link report ``known`` samples, be forecast, and report ``came`` more."""
    telemetry = np.full((known + came, 5), np.nan)
    telemetry[:, 0] = 50.0
    times = 1e9 + np.arange(known + came)
    said = {
        "points_mbps": [50.0] * 3,
        "confidence": [0.9] * 3,
        "unadapted": [0.9] * 3,
        "quantiles_mbps": [[50.0] * 7] * 3,
        "members": {"model": [50.0] * 3},
    }
    after = float(times[known - 1])
    kept = StoredForecast(link_id, after, 2e9, "internet", "model", "v1", 1.0, 2.0, said)
    store.write(WriteBatch([SampleReport(link_id, times[:known], telemetry[:known])]))
    store.write(WriteBatch(forecasts=[kept]))
    if came:
        store.write(WriteBatch([SampleReport(link_id, times[known:], telemetry[known:])]))


def test_only_links_that_were_heard_of_are_scored(store: Store):
    scorer = Scorer(store)
    lived(store, "heard", 60, 1)
    lived(store, "other", 60, 1)
    scorer.notify(["heard", "nobody"])
    assert [one.steps for one in scorer.score()] == [1]
    assert store.link("heard").record.hits == 1
    assert store.link("other").record.hits == 0
    assert scorer.score() == []


def test_a_look_finds_what_nobody_told_of(store: Store):
    for number in range(205):
        lived(store, f"l{number}", 60, number % 2)
    assert len(Scorer(store).score_open()) == 102
    assert Scorer(store).score_open() == [], "another that starts anew scores nothing twice"


def test_news_ends_the_wait(store: Store):
    scorer = Scorer(store)
    assert not scorer.wait(0.01)
    threading.Timer(0.05, scorer.notify, [["a"]]).start()
    began = time.monotonic()
    assert scorer.wait(10.0)
    assert time.monotonic() - began < 5.0
    scorer.score()
    assert not scorer.wait(0.01)


def outcomes(
    store: Store,
    mbps: list[float],
    first: int = 0,
    score: Callable[[], Sequence[Outcome]] | None = None,
) -> list[Outcome]:
    """Have a link live through ``mbps``, each forecast to be as the one before; score it."""
    found: list[Outcome] = []
    score = score or (lambda: store.settle(["a"])["a"])
    for at, now in enumerate(mbps):
        moment = 1e9 + first + at
        store.write(
            WriteBatch([SampleReport("a", np.array([moment]), np.array([[now] + [np.nan] * 4]))])
        )
        found += score()
        said = {
            "points_mbps": [now] * 3,
            "confidence": [0.9] * 3,
            "unadapted": [0.9] * 3,
            "quantiles_mbps": [[now] * 7] * 3,
            "members": {"model": [now] * 3},
        }
        kept = StoredForecast("a", moment, 2e9, "internet", "model", "v1", 1.0, 2.0, said)
        store.write(WriteBatch(forecasts=[kept]))
    return found


def test_an_alarm_that_could_not_be_stored_is_told_when_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, 265))
    scorer = Scorer(store)
    failed = 0

    def score() -> list[Outcome]:
        nonlocal failed
        scorer.notify(["a"])
        try:
            return scorer.score()
        except StoreUnavailable:
            failed += 1
            return []

    def away(_: object) -> None:
        raise StoreUnavailable("gone")

    outcomes(store, (100.0 * noise[:200]).tolist(), score=score)
    with monkeypatch.context() as patched:
        patched.setattr(store, "add_events", away)
        outcomes(store, (60.0 * noise[200:260]).tolist(), 200, score)
    assert failed > 0
    assert store.newest_link_events("drift") == []
    outcomes(store, (60.0 * noise[260:]).tolist(), 260, score)
    (alarm,) = store.newest_link_events("drift")
    assert 1e9 + 195 <= alarm.body["since_s"] <= 1e9 + 205
