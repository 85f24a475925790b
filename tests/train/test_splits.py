"""The splits: disjoint, defined by the trace files, or cut in time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import Trace
from pba.types import NetworkMode
from train.set_selection import SetSelection
from train.splits import coarser, splits_from_traces, synthetic_splits

SPLITS = ("train", "val", "test")


def write_set(folder: Path, name: str, splits: tuple[str, ...], base: float) -> None:
    """Write one trace a split, 50 samples at ``base``, ``base + 1`` or ``base + 2`` Mbps."""
    rows = [
        {
            "trace_id": f"{name}-{split}",
            "timestamp_s": float(second),
            "bandwidth_mbps": base + SPLITS.index(split),
            "split": split,
        }
        for split in splits
        for second in range(50)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def test_splits_of_traces_never_mix(tmp_path: Path) -> None:
    write_set(tmp_path / "datacenter", "a", SPLITS, 10.0)
    write_set(tmp_path / "datacenter", "b", SPLITS, 20.0)
    splits = splits_from_traces(tmp_path, NetworkMode.DATACENTER, 30)
    for windows, rates in (
        (splits.train, {10, 20}),
        (splits.val, {11, 21}),
        (splits.test, {12, 22}),
    ):
        assert set(windows.values[:, 0].tolist()) == rates
    assert splits.trained_on == ("a", "b")


def test_a_coarser_trace_consists_of_means_of_the_measured_values() -> None:
    telemetry = np.full((5, 5), np.nan)
    telemetry[:, 0] = [10.0, 20.0, 30.0, 50.0, 90.0]
    telemetry[1, 1] = 7.0
    averaged = coarser(Trace("a", "train", np.arange(5.0), telemetry), 2)
    assert averaged.timestamps_s.tolist() == [0.0, 2.0]
    assert averaged.telemetry[:, 0].tolist() == [15.0, 40.0]
    np.testing.assert_array_equal(averaged.telemetry[:, 1], [7.0, np.nan])
    assert np.isnan(averaged.telemetry[:, 2:]).all()


def test_only_training_traces_are_repeated_at_a_coarser_rate(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    splits = splits_from_traces(tmp_path, NetworkMode.INTERNET, 10)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [40 + 15, 40, 40]


def test_a_set_without_a_train_split_is_only_reported_on(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "known", SPLITS, 10.0)
    write_set(tmp_path / "internet", "unseen", ("test",), 20.0)
    splits = splits_from_traces(tmp_path, NetworkMode.INTERNET, 30)
    assert splits.trained_on == ("known",)
    assert [name for name, at in splits.test.by_set() if len(at)] == ["known", "unseen"]


def test_an_excluded_set_is_only_reported_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_set(tmp_path / "internet", name, SPLITS, 10.0)
    splits = splits_from_traces(tmp_path, NetworkMode.INTERNET, 30, SetSelection(without=["b"]))
    assert splits.trained_on == ("a",)
    assert [name for name, at in splits.val.by_set() if len(at)] == ["a"]
    assert [name for name, at in splits.test.by_set() if len(at)] == ["a", "b"]


def test_an_unknown_set_cannot_be_excluded(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    with pytest.raises(InvalidTrace, match="no internet set c; its sets are a. Name one"):
        splits_from_traces(tmp_path, NetworkMode.INTERNET, 30, SetSelection(without=["c"]))


def test_only_the_folder_of_the_mode_is_read(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    write_set(tmp_path / "demand", "b", SPLITS, 20.0)
    assert splits_from_traces(tmp_path, NetworkMode.INTERNET, 30).train.names == ("a",)


def test_v1_is_trained_on_the_sets_of_all_modes_with_six_columns(tmp_path: Path) -> None:
    write_set(tmp_path / "datacenter", "a", SPLITS, 10.0)
    write_set(tmp_path / "internet", "b", SPLITS, 20.0)
    splits = splits_from_traces(tmp_path, "v1", 10)
    assert splits.trained_on == ("a", "b")
    assert splits.train.gather(np.array([0])).telemetry.shape == (1, 10, 6)
    assert set(splits.train.values[:, 0].tolist()) == {10.0, 20.0}
    assert splits.train.columns_seen == (True, False, False, False, False, False)
    assert [len(part) for part in (splits.train, splits.val)] == [2 * (40 + 15), 2 * 40]


def test_synthetic_links_of_v1_are_of_both_modes_and_have_a_time() -> None:
    splits = synthetic_splits("v1", 400, 10, np.random.default_rng(0))
    assert splits.trained_on == ("synthetic_datacenter", "synthetic_internet")
    assert all(splits.val.columns_seen)


def test_a_folder_without_traces_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrace, match="datacenter"):
        splits_from_traces(tmp_path, NetworkMode.DATACENTER, 30)


def test_a_synthetic_link_is_cut_in_time() -> None:
    splits = synthetic_splits(NetworkMode.DATACENTER, 400, 30, np.random.default_rng(0))
    assert [len(part.values) for part in (splits.train, splits.val, splits.test)] == [280, 60, 60]
    assert all(splits.train.columns_seen)
