from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from pba.cli import app
from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.traces import read_traces


def test_export_writes_the_stored_samples(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/pba.db"
    store = Store(url, lambda: 2e9).ready()
    store.write(WriteBatch([SampleReport("a", np.array([1e9, 1e9 + 1]), np.full((2, 5), 0.5))]))
    store.close()
    result = CliRunner().invoke(app, ["export", str(tmp_path / "out"), "--store", url])
    assert result.output == f"2 samples of 1 days are in {tmp_path / 'out'}.\n"
    (trace,) = read_traces(tmp_path / "out" / "day=2001-09-09" / "samples.parquet")
    assert (trace.trace_id, len(trace)) == ("a", 2)
