"""What tunes and what judges never meet, whichever way data comes in, and the gate relies on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pba.evaluation import mode_evaluation
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.base import Prediction
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace, read_sets
from pba.telemetry.validation_parts import divide_validation, gap_steps
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from tests.train.test_gate import Multiplier, example_points, ticking, times
from tests.train.test_model_card import example_card
from tests.train.test_training_mix import LINKS, OLD, WINDOW
from train.gate import judge
from train.judging import SMALL_SETS, points_by_set, validation_entries
from train.model_card import markdown
from train.splits import splits_from_traces, trace_splits
from train.telemetry_slices import TimeCuts
from train.training_mix import training_mix

INTERNET = NetworkMode.INTERNET
LENGTHS = {"many": [70] * 9, "few": [400, 300], "short": [100], "large": [1200] * 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write traces whose samples all have rates of their own, so that a rate names its moment."""
    folder = tmp_path_factory.mktemp("traces")
    first = 1.0
    for mode in ("datacenter", "internet"):
        (folder / mode).mkdir()
        for name, lengths in LENGTHS.items():
            tables = []
            for split in ("train", "val", "test"):
                for number, length in enumerate(lengths):
                    rates = first + np.arange(length)
                    first += length
                    columns = {
                        "trace_id": [f"{split}{number}"] * length,
                        "timestamp_s": np.arange(length) * 1.0,
                        "bandwidth_mbps": rates,
                        "split": [split] * length,
                    }
                    tables.append(pa.table(columns))
            pq.write_table(pa.concat_tables(tables), folder / mode / f"{mode}_{name}.parquet")
    return folder


def moments(windows: WindowSet) -> set[float]:
    """Return the rates in every window and every target of ``windows``."""
    batch = windows.gather(np.arange(len(windows)))
    values = [batch.telemetry[..., 0].ravel(), batch.future_mbps.ravel()]
    rates = np.concatenate(values)
    return set(rates[~np.isnan(rates)].tolist())


def judging_moments(folder: Path, mode: str) -> set[float]:
    sets = trace_splits(folder, mode)["judge"]
    window = PROFILES[NetworkMode(mode)].window
    points = points_by_set(sets, window)
    return set().union(*(moments(of_set.windows) for of_set in points.values()))


@pytest.mark.parametrize("mode", ["datacenter", "internet"])
def test_no_way_of_training_meets_what_judges(folder: Path, mode: str) -> None:
    judging = judging_moments(folder, mode)
    assert len(judging) > 5000
    for network in (mode, "v1"):
        splits = splits_from_traces(folder, network, 10 if network == "v1" else 30)
        for windows in (splits.train, splits.val, splits.test):
            rates = windows.values[:, 0]  # at half the pace they end in .5
            assert not set(rates[rates % 1.0 == 0.0].tolist()) & judging


def test_the_evaluation_chooses_on_one_part_and_judges_on_the_other(folder: Path) -> None:
    sets, window = read_sets(folder, INTERNET), PROFILES[INTERNET].window
    parts = {
        split: set().union(
            *(
                moments(points.windows)
                for points in mode_evaluation._points(sets, split, window).values()
            )
        )
        for split in ("train", "val", "judge", "test")
    }
    assert parts["judge"] == judging_moments(folder, "internet")
    for split in ("train", "val", "test"):
        assert not parts[split] & parts["judge"]


def test_a_retraining_chooses_on_telemetry_that_ends_a_gap_before_the_gates_slice() -> None:
    cuts = TimeCuts.of(LINKS)
    old = OLD | {"judge": {name: [] for name in OLD["val"]}}
    mixed = training_mix(LINKS, cuts, old, WINDOW, 1000, 0.5)
    telemetry = mixed.splits.val.names.index("telemetry")
    chosen = mixed.splits.val.only(np.flatnonzero(mixed.splits.val.groups == telemetry))
    newest = min(rate for rate in moments(mixed.splits.test) if rate * 360.0 > cuts.gate_from_s)
    assert newest - max(moments(chosen)) > gap_steps(WINDOW)


def test_small_sets_are_judged_together_and_the_card_says_so(folder: Path) -> None:
    splits = trace_splits(folder, "internet")
    points = points_by_set(splits["judge"], 60)
    assert list(points) == ["internet_large", SMALL_SETS]
    entries = validation_entries(splits["val"], splits["judge"], 60)
    small = [name for name, entry in entries.items() if entry["figure"] == SMALL_SETS]
    assert small == ["internet_few", "internet_many"]
    assert len(points[SMALL_SETS]) == sum(entries[name]["judging_moments"] for name in small)
    ways = {name: entry["divided_by"] for name, entry in entries.items()}
    assert ways == {
        "internet_few": "time",
        "internet_large": "trace",
        "internet_many": "trace",
        "internet_short": "nothing",
    }
    assert splits_from_traces(folder, "internet", 60).card_entries["validation"] == entries
    text = markdown(example_card() | {"validation": entries})
    assert "| internet_few | each trace, in time | 110 | 110 | small sets |" in text
    assert "| internet_short | not divided: too short | 40 | 0 | – |" in text


@dataclass(frozen=True)
class Memoriser(Multiplier):
    """Knows what followed each moment of ``traces``; otherwise predicts as its base does."""

    known: Mapping[float, float] | None = None

    @classmethod
    def of(cls, traces: Iterable[Trace], otherwise: float) -> "Memoriser":
        known = {}
        for trace in traces:
            rates = trace.telemetry[:, 0].astype(np.float32)
            known |= dict(zip(rates[:-1].tolist(), (rates[1:] / rates[:-1]).tolist(), strict=True))
        return cls(times(otherwise), known=known)

    def predict(self, telemetry: np.ndarray) -> Prediction:
        known = self.known or {}
        usual = self.factor(telemetry[:, -1, 0])
        factors = [
            known.get(float(np.float32(rate)), other)
            for rate, other in zip(telemetry[:, -1, 0], usual, strict=True)
        ]
        return Multiplier(lambda level: np.array(factors), self.spread).predict(telemetry)


def noisy_traces(count: int, samples: int) -> list[Trace]:
    rng = np.random.default_rng(9)
    traces = []
    for number in range(count):
        telemetry = np.full((samples, 5), np.nan)
        telemetry[:, 0] = 1e4 * np.exp(rng.normal(0.0, 0.15, samples))
        traces.append(Trace(f"{number}", "val", np.arange(samples) * 1.0, telemetry))
    return traces


@pytest.mark.parametrize("count", [8, 3])
def test_a_challenger_that_memorised_the_part_that_tunes_is_refused(count: int) -> None:
    parts = divide_validation(noisy_traces(count, 900), 5)
    newest = example_points()
    links = [Trace(str(i), "", np.arange(2.0), row) for i, row in enumerate(pairs(newest))]
    challenger = Memoriser.of([*parts.tune, *links], otherwise=0.5)
    decisions = {
        part: judge(
            Multiplier(times(0.9)), challenger, newest, points_by_set({"old": traces}, 5), ticking()
        )
        for part, traces in (("tune", parts.tune), ("judge", parts.judge))
    }
    assert decisions["tune"]["decision"] == "promote", "what tunes would be deceived"
    assert decisions["judge"]["decision"] == "refuse"
    (reason,) = decisions["judge"]["reasons"]
    assert reason.startswith("old is forgotten: accuracy_20 by -0.")


def pairs(points: EvaluationPoints) -> np.ndarray:
    """Return the last sample of each window and the one after it, ``(point, 2, 5)``."""
    ends = points.windows.ends
    return points.windows.values[ends[:, None] + np.arange(2)]
