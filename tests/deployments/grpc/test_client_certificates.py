"""Callers over gRPC that are known by their certificates."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from deployments.ingress.wiring import grpc_server
from deployments.local_authority import Issued, LocalAuthority
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.ports import own_port

RIGHTS = {"CN:fra1": {"role": "reporter", "links": ["fra1:*"]}, "CN:guest": {"role": "reader"}}


class Running:
    """A server that asks for certificates, and clients that have one each."""

    def __init__(self, service: InProcess, authority: LocalAuthority, address: str) -> None:
        self.service, self.authority, self.address = service, authority, address

    async def observe(self, name: str, link_id: str, **metadata: str) -> str:
        """Report a sample as the caller called ``name``; return what comes of it."""
        files: Issued = self.authority.issue(name)
        credentials = grpc.ssl_channel_credentials(
            self.authority.ca.read_bytes(), files.key.read_bytes(), files.cert.read_bytes()
        )
        sample = pb.Sample(timestamp_s=1.7e9, bandwidth_mbps=20)
        request = pb.ObserveRequest(samples=[pb.LinkSample(link_id=link_id, sample=sample)])
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.secure_channel(self.address, credentials, options) as channel:
            stub = pba_pb2_grpc.PredictorStub(channel)
            try:
                response = await stub.Observe(request, metadata=tuple(metadata.items()), timeout=60)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
        return response.refused[0].error.code if response.refused else "OK"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    authority = LocalAuthority.create(tmp_path / "authority")
    files = authority.issue("service", ["127.0.0.1"])
    secret = tmp_path / "secret"
    secret.write_text(32 * "s")
    with own_port() as port:
        settings = {
            "tls_cert": str(files.cert),
            "tls_key": str(files.key),
            "tls_client_ca": str(authority.ca),
            "proxy_secret_file": str(secret),
            "tls_identities": RIGHTS,
        }
        async with open_in_process(tmp_path, **settings, grpc_port=port) as service:
            server = grpc_server(service.services)
            await server.start()
            yield Running(service, authority, f"127.0.0.1:{port}")
            await server.stop()


async def test_a_certificate_names_its_caller(running: Running):
    assert await running.observe("fra1", "fra1:a") == "OK"
    assert await running.observe("fra1", "ams2:a") == "forbidden"
    assert await running.observe("guest", "fra1:a") == "PERMISSION_DENIED"
    assert await running.observe("stranger", "fra1:a") == "UNAUTHENTICATED"


async def test_a_key_counts_before_the_certificate(running: Running):
    record, header = key("reporter")
    running.service.services.stores.flags.keys.add(record)
    await running.service.services.callers.refresh()
    text = header["Authorization"]
    assert await running.observe("guest", "ams2:a", authorization=text) == "OK"
    assert await running.observe("fra1", "fra1:a", authorization=f"{text}x") == "UNAUTHENTICATED"
