"""Reading a real export with Ray Data."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pba.errors import InvalidInput
from pba.store import SampleReport, Store, WriteBatch
from train.telemetry_slices import read_links

pytestmark = [
    pytest.mark.usefixtures("ray_cluster"),
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
]
DAY_S = 86_400.0
START_S = 20_000 * DAY_S


def report(name: str, first_s: float, count: int, mbps: float) -> SampleReport:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps + np.arange(count)
    return SampleReport(name, START_S + first_s + np.arange(count), telemetry)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: START_S + 9 * DAY_S).ready()
    store.write(
        WriteBatch(
            [
                report("a", 0.0, 50, 1.0),
                report("a", 4 * DAY_S - 20, 40, 101.0),  # over midnight
                report("b", 3 * DAY_S, 30, 201.0),
                report("fabric", 3 * DAY_S, 30, 5000.0),
            ]
        )
    )
    store.export(tmp_path / "out")
    store.close()
    return tmp_path / "out"


def test_links_of_the_mode_and_the_days_are_complete_and_in_order(export: Path) -> None:
    a, b = read_links(export, "internet", 2.0)
    assert (a.trace_id, b.trace_id) == ("a", "b")
    np.testing.assert_array_equal(a.telemetry[:, 0], 101.0 + np.arange(40))
    np.testing.assert_array_equal(np.diff(a.timestamps_s), np.ones(39))
    assert np.isnan(a.telemetry[:, 1:]).all()
    (fabric,) = read_links(export, "datacenter", 2.0)
    assert fabric.telemetry[0, 0] == 5000.0


def test_a_look_back_counts_from_the_newest_sample(export: Path) -> None:
    assert len(read_links(export, "internet", 30.0)[0]) == 90
    assert [len(link) for link in read_links(export, "internet", 29.5 / DAY_S)] == [30]


def test_samples_after_the_first_read_are_ignored(export: Path) -> None:
    a, b = read_links(export, "internet", 30.0, until_s=START_S + 3 * DAY_S + 9)
    assert (len(a), len(b)) == (50, 10)


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no day="):
        read_links(tmp_path, "internet", 1.0)
    (tmp_path / "day=2026-03-01").mkdir()
    pq.write_table(pa.table({"trace_id": ["a"]}), tmp_path / "day=2026-03-01" / "samples.parquet")
    with pytest.raises(InvalidInput, match="no column bandwidth_mbps, .*mode"):
        read_links(tmp_path, "internet", 1.0)
