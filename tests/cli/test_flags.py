"""`pba flags` and `pba rollout` against a stand-in for the service."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.errors import InvalidRequest

FLAGS = {"version": 3, "flags": {"shadow": False}, "changed_at": None, "changed_by": None}
PART = {
    "pairs": 412,
    "v1_only": 30,
    "v3_only": 59,
    "evidence": 15.3,
    "decides_at": 80.0,
    "blocks": 12,
    "blocks_needed": 14,
    "block_s": 1800.0,
    "links": 412,
    "verdict": "undecided",
    "v1": {"accuracy_20": 0.556, "mae_mbps": 306.0, "bias_mbps": -16.5, "latency_ms": 346.0},
    "v3": {"accuracy_20": 0.626, "mae_mbps": 295.0, "bias_mbps": 70.7, "latency_ms": None},
}
REPORT = {
    "since": "2026-11-25T02:36:03Z",
    "versions": {"v1": ["v1-1"], "v3": []},
    "modes": {"datacenter": PART, "hybrid": PART, "internet": PART},
    "overall": PART,
}


class Server(HTTPServer):
    """Answers as the service does, and keeps the bodies of PUT requests."""

    put: list[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.put = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(REPORT if "rollout" in self.path else FLAGS)

    def do_PUT(self) -> None:
        self.server.put.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._answer(FLAGS)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(server: Server, *words: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "80"})
    return runner.invoke(app, [*words, "--url", server.url], catch_exceptions=False)


def test_flags_are_printed(server: Server):
    assert json.loads(run(server, "flags", "get").stdout) == FLAGS


def test_a_change_names_the_version_that_was_read_and_its_author(server: Server):
    run(server, "flags", "set", "v3_rollout_percentage=10", "shadow=true", "--who", "anna")
    run(server, "flags", "set", "shadow=true", "--version", "2")
    first, second = server.put
    changes = {"v3_rollout_percentage": 10, "shadow": True}
    assert first == {"version": 3, "on_behalf_of": "anna", "flags": changes}
    assert second["version"] == 2
    assert "@" in second["on_behalf_of"]


def test_words_that_are_no_change_are_refused(server: Server):
    with pytest.raises(InvalidRequest, match="'shadow=on' is no change of a flag"):
        run(server, "flags", "set", "shadow=on")
    assert server.put == []


def test_a_report_of_all_modes_fits_80_columns(server: Server):
    text = run(server, "rollout", "report").stdout
    assert "Since 2026-11-25T02:36:03Z. v1: v1-1; v3: none" in text
    assert "…" not in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert ["in band alone", *["30 / 59"] * 4] in rows
    assert ["accuracy_20", *["0.556 / 0.626"] * 4] in rows
    assert ["latency_ms", *["346 / –"] * 4] in rows
    assert ["blocks", *["12 of 14"] * 4] in rows
    assert ["evidence", *["15.3 of 80"] * 4] in rows
    assert ["v3 is", *["undecided"] * 4] in rows


def test_a_report_is_available_as_json(server: Server):
    assert json.loads(run(server, "rollout", "report", "--json").stdout) == REPORT
