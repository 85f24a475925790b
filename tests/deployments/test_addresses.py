"""Whether a port can be bound, on IPv4 and IPv6."""

import socket

import pytest

from deployments.addresses import join_address, port_error


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_a_taken_port_is_named(host: str, family: socket.AddressFamily):
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"{join_address(host, port)} is taken" in str(port_error(host, port))
    assert port_error(host, port) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost"])
def test_every_address_of_this_machine_can_be_bound(host: str):
    assert port_error(host, 0) is None


def test_another_machines_address_is_refused():
    assert "Stop what listens there" in str(port_error("192.0.2.1", 0))
    assert "is no address of this machine" in str(port_error("no.such.host.invalid", 0))
