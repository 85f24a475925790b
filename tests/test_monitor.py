import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pba.monitor import Scorer
from pba.store import Batch, Report, Said, Store


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
    kept = Said(link_id, after, 2e9, "internet", "model", "v1", 1.0, 2.0, said)
    store.write(Batch([Report(link_id, times[:known], telemetry[:known])]))
    store.write(Batch(said=[kept]))
    if came:
        store.write(Batch([Report(link_id, times[known:], telemetry[known:])]))


def test_only_links_that_were_heard_of_are_scored(store: Store):
    scorer = Scorer(store)
    lived(store, "heard", 60, 1)
    lived(store, "other", 60, 1)
    scorer.hear(["heard", "nobody"])
    assert [one.steps for one in scorer.score()] == [1]
    assert store.link("heard").record.hits == 1
    assert store.link("other").record.hits == 0
    assert scorer.score() == []


def test_a_look_finds_what_nobody_told_of(store: Store):
    for number in range(205):
        lived(store, f"l{number}", 60, number % 2)
    assert len(Scorer(store).look()) == 102
    assert Scorer(store).look() == [], "another that starts anew scores nothing twice"


def test_news_ends_the_wait(store: Store):
    scorer = Scorer(store)
    assert not scorer.wait(0.01)
    threading.Timer(0.05, scorer.hear, [["a"]]).start()
    began = time.monotonic()
    assert scorer.wait(10.0)
    assert time.monotonic() - began < 5.0
    scorer.score()
    assert not scorer.wait(0.01)
