"""`pba serve` becomes the service's own command, whatever its words."""

import os
import sys

import pytest

from pba import project
from pba.cli import main


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that took the place of this process."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: commands.append(words))
    return commands


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pba", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_all_words_reach_the_service(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]):
    assert run(monkeypatch, "serve", "my.yaml", "--plain", "--help") == 0
    monkeypatch.setattr(project, "_CHECKOUT", None)
    assert run(monkeypatch, "serve") == 0
    assert commands == [
        [sys.executable, "-m", "deployments", "my.yaml", "--plain", "--help"],
        [sys.executable, "-m", "pba_serve"],
    ]


def test_without_ray_it_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(monkeypatch, "serve") == 2
    assert "pip install 'pba-forecast[serve]'" in capsys.readouterr().err
    assert commands == []
