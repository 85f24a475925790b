"""Commands that ask a service: what they print for people and for programs."""

import json
import sys
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.cli.status import _allowed
from pba.client import PBAClient
from pba.errors import Forbidden
from tests.support.histories import INTERNET
from tests.support.http_server import http_server

LINKS = ("ams2:a", "fra1:a", "fra1:b")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a service with three links, of which one has a forecast."""
    with http_server(tmp_path_factory.mktemp("service")) as address:
        with PBAClient(address) as client:
            client.observe_many(dict.fromkeys(LINKS, INTERNET))
            client.link_forecast("fra1:a")
            client.set_flags({"shadow": True}, 0, "anna")
        yield address


def run(url: str, *words: str) -> Result:
    result = CliRunner().invoke(app, [*words, "--url", url], catch_exceptions=False)
    assert "\x1b" not in result.output, "no colours where the output is no terminal"
    return result


def test_status_shows_models_forecasts_flags_and_alarms(url: str):
    result = run(url, "status")
    assert result.exit_code == 0
    for text in ("internet", "serves", "3 links", "in 90 %", "shadow=true", "No drift alarm"):
        assert text in result.output
    report = json.loads(run(url, "status", "--json").output)
    assert report.keys() == {"models", "metrics", "flags", "alarms"}
    assert report["metrics"]["links"] == 3


def test_links_are_listed_by_beginning_and_count(url: str):
    rows = json.loads(run(url, "links", "--json").output)
    assert [row["link_id"] for row in rows] == [*LINKS]
    rows = json.loads(run(url, "links", "--begins", "fra1:", "--json").output)
    assert [row["link_id"] for row in rows] == ["fra1:a", "fra1:b"]
    rows = json.loads(run(url, "links", "--begins", "fra1:a", "--json").output)
    assert [row["link_id"] for row in rows] == ["fra1:a"]
    assert len(json.loads(run(url, "links", "--count", "2", "--json").output)) == 2
    assert "fra1:b" in run(url, "links").output
    for order in ("name", "accuracy", "drift", "silent"):
        rows = json.loads(run(url, "links", "--sort", order, "--begins", "fra1:", "--json").output)
        assert {row["link_id"] for row in rows} == {"fra1:a", "fra1:b"}, order
    assert run(url, "links", "--sort", "colour").exit_code == 2
    assert run(url, "links", "--begins", "x").output == "There is no such link.\n"


def test_events_are_lines(url: str):
    (line,) = run(url, "events", "--kind", "flags_changed").output.splitlines()
    assert "flags_changed" in line
    (document,) = run(url, "events", "--kind", "flags_changed", "--json").output.splitlines()
    assert json.loads(document)["kind"] == "flags_changed"
    assert run(url, "events", "--kind", "none").output == "There is no such event.\n"


def test_without_alarms_drift_says_so(url: str):
    assert run(url, "drift").output == "No drift alarm is open.\n"
    assert json.loads(run(url, "drift", "--json").output) == []


def test_a_watched_link_is_a_line_a_forecast_or_json(url: str):
    line = run(url, "watch", "fra1:a", "--count", "1").output
    assert line.count("\n") == 1
    assert "+15" in line
    document = json.loads(run(url, "watch", "fra1:a", "--count", "1", "--json").output)
    assert document["link_id"] == "fra1:a"


def test_in_a_terminal_a_watched_link_is_a_chart(url: str, monkeypatch: pytest.MonkeyPatch):
    module = sys.modules["pba.cli.watch"]  # in the package the command has its name
    real = module.Console  # type: ignore[attr-defined]
    monkeypatch.setattr(
        module, "Console", lambda: real(force_terminal=True, width=60, color_system=None)
    )
    result = CliRunner().invoke(app, ["watch", "fra1:a", "--count", "1", "--url", url])
    assert result.exit_code == 0, result.output
    samples = result.output.count("●")  # drawn again at the end
    assert samples
    assert samples % (60 - 9 - 15) == 0
    assert "with the probability that the actual is within ±20 %" in result.output.replace(
        "\n", " "
    )


def test_what_a_caller_may_not_see_is_left_out():
    def refused() -> dict[str, object]:
        raise Forbidden("the call metrics is about all links")

    assert _allowed(refused) == {"error": "the call metrics is about all links"}
