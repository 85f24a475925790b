"""Errors that a user can mend end the command with one line and status 2."""

from pathlib import Path

import pytest

from pba.cli import main


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs a failing command and returns its last words."""

    def run(*words: object) -> str:
        monkeypatch.setattr("sys.argv", ["pba", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert ended.value.code == 2
        assert output.out == ""
        assert output.err.startswith("pba: ")
        assert output.err.count("\n") == 1
        return output.err

    return run


def test_a_missing_file_is_named(fail):
    assert "missing.csv" in fail("forecast", "missing.csv", "--in-process")


def test_a_service_out_of_reach_is_one_line(fail, trace: Path):
    assert "make serve" in fail("replay", trace, "--url", "http://127.0.0.1:9")
    assert "make serve" in fail("flags", "get", "--url", "http://127.0.0.1:9")


def test_an_address_that_is_none_is_one_line(fail, trace: Path):
    assert "http://" in fail("forecast", trace, "--url", "localhost:8000")


def test_a_file_that_cannot_be_written_is_one_line(fail, tmp_path: Path):
    assert "No such file" in fail("synth", tmp_path / "missing" / "link.csv")


def test_an_error_of_the_system_names_its_file(fail, monkeypatch: pytest.MonkeyPatch):
    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "out.jsonl")

    monkeypatch.setattr("pba.cli.app", forbid)
    assert fail() == "pba: out.jsonl: Permission denied\n"


def test_a_missing_library_is_one_line(fail, trace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "matplotlib" in fail("replay", trace, "--in-process", "--plot", "picture.png")
