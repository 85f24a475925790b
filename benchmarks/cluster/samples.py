"""Are the samples that were acknowledged stored, each once?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.cluster.calls import Call, errors
from pba import PBAClient

__all__ = ["Samples", "compare", "noticed"]


@dataclass(frozen=True)
class Samples:
    """How many samples were acknowledged, and what became of them."""

    acknowledged: int
    lost: int
    twice: int


def compare(urls: Sequence[str], acknowledged: Mapping[str, set[float]]) -> Samples:
    """Compare what was acknowledged, times by link, with the links' histories."""
    lost = twice = 0
    with PBAClient(urls, retries=20) as client:
        for link, times in acknowledged.items():
            history = client.history(link, since=min(times) - 1e-3, limit=10_000)
            stored = [_microseconds(sample["timestamp"]) for sample in history["samples"]]
            lost += len({round(time * 1e6) for time in times} - set(stored))
            twice += len(stored) - len(set(stored))
    return Samples(sum(map(len, acknowledged.values())), lost, twice)


def noticed(calls: Sequence[Call], samples: Samples) -> list[str]:
    """Return what callers must never notice: calls that failed, samples lost or stored twice."""
    return [
        *(f"{count} calls failed with {error}" for error, count in errors(calls).items()),
        *([f"{samples.lost} acknowledged samples are lost"] if samples.lost else []),
        *([f"{samples.twice} samples are stored twice"] if samples.twice else []),
    ]


def _microseconds(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1e6)
