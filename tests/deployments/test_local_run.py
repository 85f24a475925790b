"""How the start of the service is followed, without Ray."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments import local_run
from deployments.local_run import Endpoints, Progress, StartError
from deployments.screen import Screen

URL = "http://127.0.0.1:8000"


def application(status: str, message: str = "", **deployments: tuple[str, int, str]) -> Any:
    """Return what `serve.status` gives: the deployments are (status, replicas, message)."""
    return SimpleNamespace(
        status=SimpleNamespace(value=status),
        message=message,
        deployments={
            name: SimpleNamespace(
                status=SimpleNamespace(value=state),
                replica_states={"RUNNING": replicas},
                message=text,
            )
            for name, (state, replicas, text) in deployments.items()
        },
    )


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(terminal: io.StringIO) -> Progress:
    return Progress(Screen(terminal, Path("serve.log")))


def test_each_deployment_is_shown_once_when_it_is_healthy(
    progress: Progress, terminal: io.StringIO
):
    assert not progress.running(None)
    first = {"BaselineModel": ("HEALTHY", 0, ""), "Router": ("UPDATING", 0, "")}
    for _ in range(2):
        assert not progress.running(application("DEPLOYING", **first))
    assert progress.running(application("RUNNING", **first | {"Router": ("HEALTHY", 1, "")}))
    shown = [line.split("s  ")[1] for line in terminal.getvalue().splitlines()]
    assert shown == ["BaselineModel starts when needed", "Router runs"]


def test_a_deployment_that_fails_gives_the_reason(progress: Progress):
    failed = ("DEPLOY_FAILED", 0, "Traceback:\n  File x\nBadArtifact: no model")
    with pytest.raises(StartError) as error:
        progress.running(application("DEPLOY_FAILED", "it failed", InternetModel=failed))
    assert error.value.details[-1] == "BadArtifact: no model"


def test_an_application_that_cannot_be_built_gives_the_reason(progress: Progress):
    with pytest.raises(StartError) as error:
        progress.running(application("DEPLOY_FAILED", "ImportError: nothing there"))
    assert error.value.details == ["ImportError: nothing there"]


def test_a_reason_that_lasts_is_shown_once(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_run, "_POLL_S", 0.0)
    monkeypatch.setattr(local_run, "_PATIENCE_S", 0.0)
    reasons = iter(["the store is away", "the store is away", "the store is away", None])
    screen = Screen(terminal, Path("serve.log"))
    assert local_run._wait_until_ready(lambda: next(reasons), screen) is None
    assert terminal.getvalue().count("waiting: the store is away") == 1


def test_a_reason_that_stays_is_returned(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_run, "_POLL_S", 0.0)
    monkeypatch.setattr(local_run, "_LONGEST_WAIT_S", 0.01)
    screen = Screen(terminal, Path("serve.log"))
    assert local_run._wait_until_ready(lambda: "the store is away", screen) == "the store is away"


def test_a_service_that_does_not_answer_is_not_ready():
    assert "ConnectError" in str(local_run._unready(Endpoints("http://127.0.0.1:9", "", "")))


def test_the_lines_after_the_start_say_where_it_answers_and_what_to_try():
    lines = Endpoints(URL, "127.0.0.1:9000", "sqlite:///data/pba.db", 9464).lines(".venv/bin/pba")
    text = "\n".join(lines)
    for part in (URL, f"{URL}/docs", "127.0.0.1:9000", "sqlite:///data/pba.db", ":9464/metrics"):
        assert part in text
    assert lines[-1].strip() == ".venv/bin/pba forecast FILE.csv"
    other = Endpoints("http://127.0.0.1:8123", "", "").lines("pba")
    assert other[-1].endswith("--url http://127.0.0.1:8123")
    assert any("gRPC     off" in line for line in other)
