"""How long ago each job finished is a gauge."""

import pytest

from deployments.replicas import job_gauges


def test_each_job_has_its_age(monkeypatch: pytest.MonkeyPatch):
    ages: dict[str, float] = {}

    class Gauge:
        def set(self, value: float, tags: dict[str, str]) -> None:
            ages[tags["job"]] = value

    monkeypatch.setattr(job_gauges, "gauge", lambda *_: Gauge())
    job_gauges.JobGauges().update({"scoring": 0.5, "tidying": 30.0})
    assert ages == {"scoring": 0.5, "tidying": 30.0}
