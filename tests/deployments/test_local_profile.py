"""The environment of a service on one machine."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deployments import local_profile
from deployments.local_profile import (
    PORT_BLOCKS,
    end_haproxy,
    environment,
    local_socket,
    metrics_port,
    port_block,
)
from tests.support.ports import own_port


def test_two_services_get_blocks_of_ports_that_do_not_overlap():
    with port_block() as one, port_block() as other:
        assert {one, other} <= set(PORT_BLOCKS)
        assert one != other


def test_the_port_of_metrics_is_another_one_where_it_is_taken():
    with own_port() as port:
        assert metrics_port(port) == port
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            assert metrics_port(port) not in (0, port)
    assert metrics_port(0) > 0


def test_a_block_is_free_again_afterwards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_profile, "PORT_BLOCKS", PORT_BLOCKS[-1:])
    with port_block() as one, port_block() as none_left:
        assert (one, none_left) == (PORT_BLOCKS[-1], None)
    with port_block() as again:
        assert again == one


def test_every_port_of_ray_serve_lies_in_the_block(tmp_path: Path):
    variables = environment(tmp_path, 20_100, plain=False)
    ports = {
        name: int(value)
        for name, value in variables.items()
        if name.endswith(("HTTP_PORT", "GRPC_PORT"))
    }
    assert len(ports) == 4
    assert set(ports.values()) <= set(range(20_100, 20_200))
    assert len(set(ports.values())) == len(ports)


def test_haproxy_runs_from_a_script_of_its_own_folder(tmp_path: Path):
    variables = environment(tmp_path, 20_100, plain=False)
    script = Path(variables["RAY_SERVE_HAPROXY_BINARY_PATH"])
    assert script.parent == tmp_path
    assert os.access(script, os.X_OK)
    assert Path(variables["PBA_HAPROXY_BINARY"]).exists()
    other = tmp_path / "other"
    other.mkdir()
    assert not any("HAPROXY_" in name for name in environment(other, 20_100, plain=True))


def test_a_script_does_not_call_itself_where_the_variable_of_a_cluster_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The image sets the variable, for `ray start`."""
    script = Path(local_profile.__file__).with_name("haproxy-with-errors.sh")
    monkeypatch.setenv("RAY_SERVE_HAPROXY_BINARY_PATH", str(script))
    binary = Path(environment(tmp_path, 20_100, plain=False)["PBA_HAPROXY_BINARY"])
    assert binary.name == "haproxy"
    monkeypatch.setenv("RAY_SERVE_HAPROXY_BINARY_PATH", str(binary))  # one of the user's own
    other = tmp_path / "other"
    other.mkdir()
    assert environment(other, 20_200, plain=False)["PBA_HAPROXY_BINARY"] == str(binary)


@pytest.mark.parametrize(
    ("host", "bind"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0:8000"),
        ("::", ":::8000 v4v6"),
        ("::1", "::1:8000"),
        ("10.0.0.7", "10.0.0.7:8000"),
    ],
)
def test_haproxy_answers_at_the_host_and_its_pages_on_loopback(
    tmp_path: Path, host: str, bind: str
):
    variables = environment(tmp_path, 20_100, plain=False, host=host, port=8000)
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        "global\n    stats socket /x mode 666 level admin\n"
        "frontend prometheus\n    bind :9101\n    mode http\n"
        "frontend http_frontend\n    bind *:8000\n    mode http\n"
        "listen stats\n  bind *:8404\n"
    )
    script = variables["RAY_SERVE_HAPROXY_BINARY_PATH"]
    environ = os.environ | variables | {"PBA_HAPROXY_BINARY": "true"}
    subprocess.run([script, "-db", "-f", config], env=environ, check=True)
    lines = [line.strip() for line in config.read_text().splitlines() if "bind" in line]
    local = f"bind unix@{local_socket(tmp_path)} mode 600"
    assert lines == ["bind 127.0.0.1:9101", f"bind {bind}", local]
    assert "mode 600 level admin" in config.read_text(), "others could tell HAProxy what to do"


def test_only_the_haproxy_of_the_folder_is_ended(tmp_path: Path):
    sleeper = "import time; time.sleep(60)"
    ours, other = (
        subprocess.Popen([sys.executable, "-c", sleeper, "-f", f"{tmp_path}/{name}/haproxy.cfg"])
        for name in ("ours", "other")
    )
    try:
        end_haproxy(tmp_path / "ours")
        assert ours.wait(10) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()
