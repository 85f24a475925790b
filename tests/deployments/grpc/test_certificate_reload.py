"""gRPC over TLS: who is answered, and that renewed certificates count without a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from deployments.certificates import CertificateFiles
from deployments.grpc.certificate_reload import server_credentials
from deployments.local_authority import Issued, LocalAuthority


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority.create(tmp_path / "authority")


@asynccontextmanager
async def server(files: Issued, client_ca: Path | None = None) -> AsyncIterator[str]:
    """Yield the address of a server with the health service alone."""
    running = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), running)
    credentials = server_credentials(CertificateFiles(files.cert, files.key, client_ca))
    port = running.add_secure_port("127.0.0.1:0", credentials)
    await running.start()
    yield f"127.0.0.1:{port}"
    await running.stop(None)


def credentials_of(ca: Path, caller: Issued | None) -> grpc.ChannelCredentials:
    mine = (caller.key.read_bytes(), caller.cert.read_bytes()) if caller else (None, None)
    return grpc.ssl_channel_credentials(ca.read_bytes(), *mine)


async def is_answered(address: str, ca: Path, caller: Issued | None = None) -> bool:
    """Whether a new connection is accepted."""
    credentials = credentials_of(ca, caller)
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                return False
            raise
    return True


async def test_only_callers_that_trust_the_authority_are_answered(
    tmp_path: Path, authority: LocalAuthority
):
    other = LocalAuthority.create(tmp_path / "other")
    async with server(authority.issue("service", ["127.0.0.1"])) as address:
        assert await is_answered(address, authority.ca)
        assert not await is_answered(address, other.ca)
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=2
                )


async def test_with_an_authority_of_callers_a_certificate_is_needed(
    tmp_path: Path, authority: LocalAuthority
):
    stranger = LocalAuthority.create(tmp_path / "other").issue("stranger")
    async with server(authority.issue("service", ["127.0.0.1"]), authority.ca) as address:
        assert await is_answered(address, authority.ca, authority.issue("caller"))
        assert not await is_answered(address, authority.ca)
        assert not await is_answered(address, authority.ca, stranger)


async def test_a_renewed_certificate_counts_for_new_connections(
    tmp_path: Path, authority: LocalAuthority
):
    files, other = authority.issue("service"), LocalAuthority.create(tmp_path / "other")
    new = other.issue("service", ["127.0.0.1"])
    async with server(files) as address:
        assert not await is_answered(address, authority.ca), "the certificate is of no host"
        files.cert.write_bytes(new.cert.read_bytes())
        assert not await is_answered(address, other.ca), "the key is that of the old one"
        files.key.write_bytes(new.key.read_bytes())
        assert await is_answered(address, other.ca)


async def test_renewed_authorities_of_callers_count(tmp_path: Path, authority: LocalAuthority):
    callers = tmp_path / "callers.pem"
    other = LocalAuthority.create(tmp_path / "other")
    callers.write_bytes(other.ca.read_bytes())
    caller = authority.issue("caller")
    async with server(authority.issue("service", ["127.0.0.1"]), callers) as address:
        assert not await is_answered(address, authority.ca, caller)
        callers.write_bytes(other.ca.read_bytes() + authority.ca.read_bytes())
        assert await is_answered(address, authority.ca, caller)
