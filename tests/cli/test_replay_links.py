"""Replays as stored links, against a stand-in for the client."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from pba.cli.replay_links import HistorySource, count_forecasts, links_of, replay_links
from pba.serving.local_service import LocalService
from pba.types import Forecast, History

SERVICE = LocalService({})


class Client:
    """Stores samples in memory; counts the links between their first sample and their state."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}
        self.calls: Counter[str] = Counter()
        self.active: set[str] = set()
        self.most_active = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.calls["close"] += 1

    async def observe(self, link_id: str, samples: History) -> dict[str, Any]:
        self.active.add(link_id)
        self.most_active = max(self.most_active, len(self.active))
        await asyncio.sleep(0)  # lets the other links run, as a network call does
        self.samples.setdefault(link_id, []).extend(samples.timestamps_s.tolist())
        if len(self.samples[link_id]) == 5:
            self.active.discard(link_id)
        return {"refused": []}

    async def forecast(self, history: History, as_of_newest: bool) -> Forecast:
        self.calls["given"] += 1
        assert as_of_newest
        return SERVICE.forecast(history)

    async def link_forecast(self, link_id: str, as_of_newest: bool) -> Forecast:
        self.calls["stored"] += 1
        rows = np.full((len(self.samples[link_id]), 5), 0.5)
        return SERVICE.forecast(History(np.array(self.samples[link_id]), rows))

    async def link(self, link_id: str) -> dict[str, Any]:
        return {"link_id": link_id}


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of 4 traces with 5 samples each."""
    path = tmp_path / "set.csv"
    rows = [f"{at},9,{name}\n" for name in "abcd" for at in range(5)]
    path.write_text("timestamp_s,bandwidth_mbps,trace_id\n" + "".join(rows))
    return path


async def test_both_paths_forecast_after_every_sample(client: Client, file: Path):
    links = links_of([file])
    outcomes = []
    replays = await replay_links(
        links, HistorySource.BOTH, client, file, on_outcome=lambda: outcomes.append(1)
    )
    assert [len(replay.outcomes) for replay in replays] == [3] * 4
    assert {len(by_path) for replay in replays for by_path in replay.outcomes} == {2}
    assert len(outcomes) == count_forecasts(links) == 12
    assert client.calls == {"given": 12, "stored": 12, "close": 1}
    assert [replay.state for replay in replays] == [{"link_id": link.link_id} for link in links]
    assert all(len(samples) == 5 for samples in client.samples.values())


async def test_the_stored_path_sends_no_history(client: Client, file: Path):
    await replay_links(links_of([file]), HistorySource.STORED, client, file, limit=2)
    assert client.calls == {"stored": 8, "close": 1}


async def test_the_given_path_stores_nothing(client: Client, file: Path):
    replays = await replay_links(links_of([file]), HistorySource.GIVEN, client, file)
    assert client.samples == {}
    assert {replay.state for replay in replays} == {None}


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_so_many_links_are_replayed_at_a_time(client: Client, file: Path, concurrency: int):
    links = links_of([file])
    await replay_links(links, HistorySource.STORED, client, file, concurrency)
    assert client.most_active == concurrency


def test_each_replay_names_its_links_anew_with_allowed_characters(tmp_path: Path):
    path = tmp_path / "a set.csv"
    path.write_text(
        "timestamp_s,bandwidth_mbps,trace_id\n" + "".join(f"{i},9,x/y\n" for i in "123")
    )
    first, second = links_of([path])[0].link_id, links_of([path])[0].link_id
    assert first != second
    assert first.endswith(":000:a_set:x_y")
