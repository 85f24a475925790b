"""The backlog is looked at in each round, the figures of the whole service rarely."""

from typing import Any

from deployments.replicas.figures_job import FiguresJob


class Shown:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.backlogs: list[tuple[int, float]] = []
        self.versions: list[Any] = []
        self.updates = 0

    def show_backlog(self, due: int, oldest_due_s: float) -> None:
        self.backlogs.append((due, oldest_due_s))

    def show_versions(self, versions: Any) -> None:
        self.versions.append(versions)

    def update(self) -> None:
        self.updates += 1


class FewFigures:
    """A store that counts its reports."""

    def __init__(self) -> None:
        self.scoring = self

    def backlog(self) -> tuple[int, float]:
        return 4, 1.5

    def summary(self) -> dict[str, Any]:
        return {"versions": ["a", "b"]}


def test_the_service_is_looked_at_once_a_minute_and_the_backlog_each_time():
    shown, now_s = Shown(), [100.0]
    job = FiguresJob(FewFigures(), shown, shown, lambda: now_s[0])
    for _ in range(25):  # two minutes
        assert job.run() is False
        now_s[0] += 5.0
    assert shown.backlogs == [(4, 1.5)] * 25
    assert job.due_links == 4
    assert shown.versions == [["a", "b"]] * 3
    assert shown.updates == 3
