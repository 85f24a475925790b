"""Errors that a user can mend end the command with one line and status 2."""

from pathlib import Path

import httpx
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
    assert "pba serve" in fail("replay", trace, "--url", "http://127.0.0.1:9")
    assert "pba serve" in fail("flags", "get", "--url", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html><title>Log in</title>" + b"x" * 1000),
        (503, b"upstream connect error\r\n"),
        (200, b'{"error": "x"}'),
        (502, b'{"error": "x"}'),
        (200, b""),
        (200, b'{"version": 1, "fla'),
        (200, b"[1, 2]"),
        (407, b"proxy: anna:pass-w0rd@127.0.0.1 is unknown, Authorization: Basic YTpi"),
    ],
)
def test_an_answer_that_is_not_of_the_service_is_one_line(
    fail, trace: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
):
    def respond(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"Retry-After": "0"})

    async def respond_later(self: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"Retry-After": "0"})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", respond)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", respond_later)
    url = "http://anna:pass-w0rd@127.0.0.1:8000"
    for words in (
        ("flags", "get"),
        ("flags", "set", "shadow=true"),
        ("rollout", "report"),
        ("forecast", trace),
        ("replay", trace),
        ("replay", trace, "--path", "stored"),
    ):
        message = fail(*words, "--url", url)
        assert f"http://127.0.0.1:8000 answered {status}, but not as PBA does" in message
        assert body.decode()[:6].strip() in message.encode().decode("unicode_escape")
        assert "pass-w0rd" not in message
        assert len(message) < 500


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
