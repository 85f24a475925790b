import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_forecast_prints_one_forecast_as_json(run: Run, trace: Path):
    document = json.loads(run("forecast", trace, "--trace-id", "two").stdout)
    assert document["source"] == "model"
    assert document["bandwidth_mbps"] == pytest.approx(50, rel=0.1)
