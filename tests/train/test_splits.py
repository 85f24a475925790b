"""The splits: strictly apart, fixed by the trace files, or cut in time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import Trace
from pba.types import NetworkMode
from train.data import coarser, from_traces, synthetic

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
    splits = from_traces(tmp_path, NetworkMode.DATACENTER, 30)
    for windows, rates in (
        (splits.train, {10, 20}),
        (splits.val, {11, 21}),
        (splits.test, {12, 22}),
    ):
        assert set(windows.values[:, 0].tolist()) == rates
    assert splits.trained_on == ("a", "b")


def test_a_coarser_trace_holds_means_of_what_was_measured() -> None:
    telemetry = np.full((5, 5), np.nan)
    telemetry[:, 0] = [10.0, 20.0, 30.0, 50.0, 90.0]
    telemetry[1, 1] = 7.0
    made = coarser(Trace("a", "train", np.arange(5.0), telemetry), 2)
    assert made.timestamps_s.tolist() == [0.0, 2.0]
    assert made.telemetry[:, 0].tolist() == [15.0, 40.0]
    np.testing.assert_array_equal(made.telemetry[:, 1], [7.0, np.nan])
    assert np.isnan(made.telemetry[:, 2:]).all()


def test_only_what_is_learnt_from_is_made_coarser(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    splits = from_traces(tmp_path, NetworkMode.INTERNET, 10)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [40 + 15, 40, 40]


def test_a_set_without_a_train_split_is_only_reported_on(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "known", SPLITS, 10.0)
    write_set(tmp_path / "internet", "unseen", ("test",), 20.0)
    splits = from_traces(tmp_path, NetworkMode.INTERNET, 30)
    assert splits.trained_on == ("known",)
    assert [name for name, at in splits.test.by_set() if len(at)] == ["known", "unseen"]


def test_a_set_that_is_left_out_is_only_reported_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_set(tmp_path / "internet", name, SPLITS, 10.0)
    splits = from_traces(tmp_path, NetworkMode.INTERNET, 30, ["b"])
    assert splits.trained_on == ("a",)
    assert [name for name, at in splits.val.by_set() if len(at)] == ["a"]
    assert [name for name, at in splits.test.by_set() if len(at)] == ["a", "b"]


def test_a_set_that_is_not_there_cannot_be_left_out(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    with pytest.raises(InvalidTrace, match="no internet set c; its sets are a. Leave out"):
        from_traces(tmp_path, NetworkMode.INTERNET, 30, ["c"])


def test_only_the_mode_s_own_group_is_read(tmp_path: Path) -> None:
    write_set(tmp_path / "internet", "a", SPLITS, 10.0)
    write_set(tmp_path / "demand", "b", SPLITS, 20.0)
    assert from_traces(tmp_path, NetworkMode.INTERNET, 30).train.names == ("a",)


def test_v1_learns_from_the_sets_of_all_modes_and_sees_six_columns(tmp_path: Path) -> None:
    write_set(tmp_path / "datacenter", "a", SPLITS, 10.0)
    write_set(tmp_path / "internet", "b", SPLITS, 20.0)
    splits = from_traces(tmp_path, "v1", 10)
    assert splits.trained_on == ("a", "b")
    assert splits.train.gather(np.array([0])).telemetry.shape == (1, 10, 6)
    assert set(splits.train.values[:, 0].tolist()) == {10.0, 20.0}
    assert splits.train.columns_seen == (True, False, False, False, False, False)
    assert [len(part) for part in (splits.train, splits.val)] == [2 * (40 + 15), 2 * 40]


def test_v1_s_synthetic_links_are_of_both_modes_and_have_a_time() -> None:
    splits = synthetic("v1", 400, 10, np.random.default_rng(0))
    assert splits.trained_on == ("synthetic_datacenter", "synthetic_internet")
    assert all(splits.val.columns_seen)


def test_a_folder_without_traces_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrace, match="datacenter"):
        from_traces(tmp_path, NetworkMode.DATACENTER, 30)


def test_a_synthetic_link_is_cut_in_time() -> None:
    splits = synthetic(NetworkMode.DATACENTER, 400, 30, np.random.default_rng(0))
    assert [len(part.values) for part in (splits.train, splits.val, splits.test)] == [280, 60, 60]
    assert all(splits.train.columns_seen)
