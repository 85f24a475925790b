"""Alarms are told once, whoever watches, and what was told is what is open."""

from pathlib import Path

import numpy as np
import pytest

from pba.monitoring.drift_watch import LinkDriftWatch, ModeDriftWatch, open_alarms
from pba.scoring import Outcome
from pba.store import SampleReport, Store, StoredForecast, WriteBatch
from pba.types import NetworkMode

INTERNET = NetworkMode.INTERNET
LINKS = [f"l{number}" for number in range(10)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9).ready()


def report(store: Store, rates_mbps: dict[str, float], at_s: float) -> None:
    rows = [
        SampleReport(link_id, np.array([at_s]), np.array([[mbps] + [np.nan] * 4]))
        for link_id, mbps in rates_mbps.items()
    ]
    store.write(WriteBatch(rows))


def forecast(store: Store, rates_mbps: dict[str, float], at_s: float, made_s: float) -> None:
    """Have every link be forecast to go on as it is, within a few per cent, nearly surely."""
    kept = []
    for link_id, mbps in rates_mbps.items():
        said = {
            "points_mbps": [mbps] * 3,
            "confidence": [0.99] * 3,
            "unadapted": [0.99] * 3,
            "quantiles_mbps": [[mbps * (1 + 0.03 * rank) for rank in range(-3, 4)]] * 3,
            "members": {"model": [mbps] * 3},
        }
        kept.append(
            StoredForecast(link_id, at_s, made_s, "internet", "model", "v1", 1.0, 2.0, said)
        )
    store.write(WriteBatch(forecasts=kept))


def lived(store: Store, mbps: np.ndarray, first: int = 0) -> list[Outcome]:
    """Have links live through ``mbps (moment, link)``, each forecast as the one before; score."""
    found: list[Outcome] = []
    for at, now in enumerate(mbps.tolist(), start=first):
        rates = dict(zip(LINKS, now, strict=False))
        report(store, rates, 1e9 + at)
        settled = store.settle(rates)
        found += [one for outcomes in settled.values() for one in outcomes]
        forecast(store, rates, 1e9 + at, 1.9e9 + 60.0 * at)
    return found


def test_a_planted_change_is_an_event_once_and_an_alarm_until_it_has_settled(store: Store):
    rng = np.random.default_rng(3)
    noise = np.exp(rng.normal(0.0, 0.05, (500, 1)))
    watch = LinkDriftWatch(store)
    assert watch.watch("l0", lived(store, 100.0 * noise[:200])) == []
    told = watch.watch("l0", lived(store, 60.0 * noise[200:260], first=200))
    assert [one.body["stage"] for one in told][0] == "opened"
    assert {"level"} <= {one["what"] for one in told[0].body["changes"]}
    assert 1e9 + 195 <= told[0].body["since_s"] <= 1e9 + 205
    (alarm,) = open_alarms(store)
    assert (alarm["link_id"], alarm["mode"], alarm["ended_s"]) == ("l0", None, None)
    again = LinkDriftWatch(store)  # the Monitor died; another goes on
    news = again.watch("l0", lived(store, 60.0 * noise[260:], first=260))
    assert [one.body["stage"] for one in news][-1] == "ended"
    assert {one.body["opened_s"] for one in news} == {told[0].body["opened_s"]}
    assert open_alarms(store) == []


def test_a_mode_whose_forecasts_fail_is_an_alarm_until_it_has_settled(store: Store):
    rng = np.random.default_rng(4)
    level = 10.0 ** rng.uniform(0, 3, len(LINKS))

    def rates(moments: int, spread: float) -> np.ndarray:
        return level * np.exp(rng.normal(0.0, spread, (moments, len(LINKS))))

    watch = ModeDriftWatch(store)
    assert watch.watch(lived(store, rates(40, 0.03))) == []
    wild = lived(store, rates(10, 0.3), first=40)
    told = watch.watch(wild)
    assert [one.body["stage"] for one in told][0] == "opened"
    assert (told[0].kind, told[0].link_id) == ("drift:internet", None)
    (alarm,) = open_alarms(store)
    assert (alarm["link_id"], alarm["mode"]) == (None, "internet")
    hits = next(one for one in alarm["changes"] if one["what"] == "hits")
    assert hits["before"] == pytest.approx(0.0, abs=0.05)
    assert hits["after"] < -0.2, "of 99 in 100 that were said to be in band"
    assert alarm["since_s"] == pytest.approx(1.9e9 + 39 * 60, abs=60), "by the service's clock"

    again = ModeDriftWatch(store)  # the Monitor died; another goes on
    assert again.watch(wild[-len(LINKS) :]) == [], "what was told is not told again"
    news = again.watch(lived(store, rates(60, 0.3), first=50))
    assert [one.body["stage"] for one in news][-1] == "ended"
    assert open_alarms(store) == []


def test_a_mode_is_watched_by_its_models_forecasts_alone(store: Store):
    lived(store, np.full((4, 10), 50.0))
    kept = store.recent_mode_outcomes(INTERNET, 15)
    assert len(kept) == 15
    numbers = [one.forecast.id for one in kept]
    assert numbers == sorted(numbers)
    assert {(one.steps, one.hit, one.actual_mbps) for one in kept} == {(1, True, 50.0)}
    assert kept[0].quartiles_mbps == pytest.approx((48.5, 51.5))
    assert store.recent_mode_outcomes(NetworkMode.DATACENTER, 15) == []
