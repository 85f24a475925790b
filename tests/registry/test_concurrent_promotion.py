"""Of concurrent promotions that expect one champion, exactly one succeeds."""

import multiprocessing
import threading
from collections.abc import Sequence
from pathlib import Path

from pba.registry import Registry
from tests.registry.builders import NAME, champion
from tests.registry.promoter import promote


def only_winner(results: Sequence[str]) -> str:
    (winner,) = [result for result in results if result != "conflict"]
    return winner


def test_of_concurrent_threads_one_promotes(registry: Registry):
    for number in range(1, 6):
        results: list[str] = []
        barrier = threading.Barrier(8)
        threads = [
            threading.Thread(
                target=promote, args=(registry.root, NAME, version, barrier.wait, results.append)
            )
            for version in "abcabcab"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 8
        assert champion(registry) == (number, only_winner(results))


def test_of_concurrent_processes_one_promotes(registry: Registry):
    spawn = multiprocessing.get_context("spawn")
    barrier, queue = spawn.Barrier(3), spawn.Queue()
    processes = [
        spawn.Process(target=promote, args=(registry.root, NAME, version, barrier.wait, queue.put))
        for version in "abc"
    ]
    for process in processes:
        process.start()
    results = [queue.get(timeout=40) for _ in processes]
    for process in processes:
        process.join()
    assert champion(registry) == (1, only_winner(results))
    assert not list(Path(registry.root, NAME, "champion").glob(".*")), "no drafts are left"
