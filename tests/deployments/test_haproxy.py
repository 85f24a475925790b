"""What HAProxy answers by itself, from the configuration that Ray writes, without Ray."""

import re
import socket
from pathlib import Path

import httpx
import pytest

from pba.client import PBAClient
from pba.errors import PBAError
from tests.support.haproxy import OK, free_port, haproxy, replica

TEXT = "HTTP/1.1 {} Text\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
JSON = (
    "HTTP/1.1 {} Ours\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    '{{"error":{{"code":"conflict","message":"ours"}}}}'
)


def assert_error(url: str, status: int, code: str, retry: bool) -> None:
    """Check that the answer is an error in PBA's form, and that the client reads it so."""
    response = httpx.get(f"{url}/v1/models", headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == "mine"
    assert response.headers.get("retry-after") == ("1" if retry else None)
    assert response.json()["error"].keys() == {"code", "message"}
    assert response.json()["error"]["code"] == code
    assert httpx.get(f"{url}/v1/models").headers["x-request-id"]
    for strange in ("a" * 101, "a b", "\u00e9", '"', "%0a", "a,b"):
        response = httpx.get(f"{url}/v1/models", headers={"X-Request-ID": strange.encode()})
        assert re.fullmatch("[0-9a-f-]{36}", response.headers["x-request-id"], re.I), strange
    with PBAClient(url, retries=0) as client, pytest.raises(PBAError) as caught:
        client.models()
    assert caught.value.message == response.json()["error"]["message"]


def test_before_anything_is_deployed_the_service_is_unavailable(tmp_path: Path):
    with haproxy(tmp_path, None) as url:
        assert_error(url, 503, "unavailable", retry=True)


def test_without_a_live_replica_the_service_is_unavailable(tmp_path: Path):
    with haproxy(tmp_path, free_port()) as url:
        assert_error(url, 503, "unavailable", retry=True)


def test_a_replica_that_ends_before_it_answers_is_unavailable(tmp_path: Path):
    with replica(lambda _: b"") as port, haproxy(tmp_path, port) as url:
        assert_error(url, 502, "unavailable", retry=True)


def test_a_replica_that_does_not_answer_in_time_is_unavailable(tmp_path: Path):
    with replica(lambda _: None) as port, haproxy(tmp_path, port) as url:
        assert_error(url, 504, "unavailable", retry=True)


def test_a_path_outside_the_application_is_not_there(tmp_path: Path):
    with replica(lambda _: OK) as port, haproxy(tmp_path, port, prefix="/pba") as url:
        assert_error(url, 404, "not_found", retry=False)
        with PBAClient(f"{url}/pba") as client:
            assert client.models() == {}


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (404, "not_found", False),
        (408, "timeout", False),
        (429, "busy", True),
        (500, "internal", False),
        (503, "unavailable", True),
    ],
)
def test_a_text_of_ray_is_put_into_the_same_form(
    tmp_path: Path, status: int, code: str, retry: bool
):
    with replica(lambda _: TEXT.format(status).encode()) as port, haproxy(tmp_path, port) as url:
        assert_error(url, status, code, retry)


@pytest.mark.parametrize("status", [404, 409, 429, 500, 503])
def test_an_error_of_the_service_passes_as_it_is(tmp_path: Path, status: int):
    with (
        replica(lambda _: JSON.format(status, 46).encode()) as port,
        haproxy(tmp_path, port) as url,
    ):
        response = httpx.get(f"{url}/v1/models")
    assert (response.status_code, response.json()["error"]["message"]) == (status, "ours")


def test_a_body_that_comes_byte_by_byte_never_reaches_a_replica(tmp_path: Path):
    with replica(lambda _: None) as port, haproxy(tmp_path, port) as url:
        address = url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=8) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: pba\r\nContent-Length: 9\r\n\r\n{")
            answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"timeout"' in answer


def test_a_replica_whose_machine_is_gone_is_left_within_seconds(tmp_path: Path):
    with haproxy(tmp_path, free_port()):
        lines = [line.strip() for line in (tmp_path / "haproxy.cfg").read_text().splitlines()]
    assert [line for line in lines if line.startswith("timeout connect")] == ["timeout connect 1s"]
    assert {"timeout check 3s", "option srvtcpka", "srvtcpka-idle 3s"} <= set(lines)
    (server,) = (line for line in lines if line.startswith("default-server"))
    assert server.endswith("check tcp-ut 3s inter 2s on-marked-down shutdown-sessions")
    assert server.count("inter ") == 3, "fastinter and downinter remain Ray's"
