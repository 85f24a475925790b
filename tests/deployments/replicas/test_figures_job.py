"""The backlog is looked at in each round, the figures of all forecasts rarely."""

from typing import Any

from deployments.replicas.figures_job import FiguresJob


class Gauges:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.backlogs: list[tuple[int, float]] = []
        self.versions: list[Any] = []
        self.lacks_versions = False

    def show_backlog(self, due: int, oldest_due_s: float) -> None:
        self.backlogs.append((due, oldest_due_s))

    def show_versions(self, versions: Any) -> None:
        self.versions.append(versions)


class FewFigures:
    """A store that counts its reports."""

    def __init__(self) -> None:
        self.scoring = self
        self.reports = 0

    def backlog(self) -> tuple[int, float]:
        return 4, 1.5

    def summary(self) -> dict[str, Any]:
        self.reports += 1
        return {"versions": ["a", "b"]}


def job_of(store: FewFigures, gauges: Gauges, now_s: list[float]) -> FiguresJob:
    return FiguresJob(store, gauges, lambda: now_s[0])


def test_the_report_is_read_once_a_minute_and_the_backlog_each_time():
    store, gauges, now_s = FewFigures(), Gauges(), [100.0]
    job = job_of(store, gauges, now_s)
    for _ in range(25):  # two minutes
        assert job.run() is False
        now_s[0] += 5.0
    assert gauges.backlogs == [(4, 1.5)] * 25
    assert job.due_links == 4
    assert store.reports == 3
    assert gauges.versions == [["a", "b"]] * 3


def test_a_version_that_no_gauge_shows_is_shown_at_once():
    store, gauges, now_s = FewFigures(), Gauges(), [100.0]
    job = job_of(store, gauges, now_s)
    job.run()
    gauges.lacks_versions = True
    job.run()
    assert store.reports == 2
