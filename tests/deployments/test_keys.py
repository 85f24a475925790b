"""Keys of a service that runs: the first closes it, and a revoked one is refused within 2 s."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.security import KeyRecord
from pba.store import Store
from tests.support.doors import DOORS, OpenPort, open_ports
from tests.support.intruder import grpc_codes, http_answers
from tests.support.keys import key
from tests.support.service import RunningService
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

EFFECTIVE_S = 2.0
MAY_BE_ABSENT = {"dashboard", "head, metrics", "agent, HTTP"}
"""The first is none of `make serve`, the others have fixed ports, which another Ray may have."""
HISTORY = [pb.Sample(timestamp_s=1.7e9 + second, bandwidth_mbps=20) for second in range(3)]


@pytest.fixture
def store(service: RunningService) -> Iterator[Store]:
    """Open the store of the service; delete its keys afterwards, which opens it again."""
    path = service.folder / "pba.db"
    opened = Store(f"sqlite:///{path}", time.time)  # noqa: TID251 - the routers' clock
    yield opened
    opened.close()
    with sqlite3.connect(path, timeout=30) as database:
        database.execute("DELETE FROM access_keys")
    database.close()
    wait_until(lambda: http_status(service, {}) == 200, "the service without keys")


def http_status(service: RunningService, header: dict[str, str]) -> int:
    return httpx.get(f"{service.url}/v1/flags", headers=header, timeout=60).status_code


def grpc_code(service: RunningService, header: dict[str, str]) -> str:
    metadata = [("authorization", value) for value in header.values()]
    with grpc.insecure_channel(service.grpc_address) as channel:
        try:
            request = pb.ForecastRequest(history=HISTORY)
            pba_pb2_grpc.PredictorStub(channel).Forecast(request, metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            return str(error.code().name)  # type: ignore[attr-defined]
    return "OK"


def seconds_until(service: RunningService, header: dict[str, str], status: int) -> float:
    began = time.monotonic()
    wait_until(lambda: http_status(service, header) == status, f"the status {status}")
    return time.monotonic() - began


def add(store: Store, *records: KeyRecord) -> None:
    for record in records:
        store.keys.add(record)


def test_a_key_opens_and_its_revocation_closes_http_and_grpc_within_two_seconds(
    service: RunningService, store: Store
):
    assert (http_status(service, {}), grpc_code(service, {})) == (200, "OK")
    (admin, admin_header), (reader, reader_header) = key("admin"), key("reader", "fra1:*")
    add(store, admin, reader)
    assert seconds_until(service, {}, 401) <= EFFECTIVE_S
    assert grpc_code(service, {}) == "UNAUTHENTICATED"
    for header in (admin_header, reader_header):
        assert (http_status(service, header), grpc_code(service, header)) == (200, "OK")
    assert httpx.get(f"{service.url}/v1/metrics", headers=reader_header).status_code == 403
    assert httpx.get(f"{service.url}/readyz").status_code == 200
    store.keys.revoke(reader.key_id)
    assert seconds_until(service, reader_header, 401) <= EFFECTIVE_S
    assert grpc_code(service, reader_header) == "UNAUTHENTICATED"
    assert http_status(service, admin_header) == 200


def test_a_handle_needs_no_key(service: RunningService, store: Store):
    add(store, key("admin")[0])
    seconds_until(service, {}, 401)
    links = service.program(
        "handle = serve.get_app_handle('pba')\n"
        "reply(handle.link_forecasts.remote(['nobody']).result())"
    )
    assert links[0]["error"]["code"] == "not_found"


def test_every_port_is_listed_and_answers_nobody_without_key_or_token(
    service: RunningService, store: Store, tmp_path: Path
):
    add(store, key("admin")[0])
    seconds_until(service, {}, 401)
    ports, proof = open_ports(service), tmp_path / "proof"
    assert [port for port in ports if port.door is None] == [], "list it in tests/support/doors.py"
    present = {port.door.name for port in ports if port.door}
    assert {door.name for door in DOORS} - present <= MAY_BE_ABSENT
    answers = {port: _answers(port, proof) for port in ports}
    beyond = {port: more for port, more in answers.items() if more - _expected(port)}
    assert beyond == {}
    assert not proof.exists()


def _answers(port: OpenPort, proof: Path) -> set[str]:
    assert port.door
    if port.door.protocol == "http":
        return http_answers(port.port, proof)
    codes = set(grpc_codes(port.port).values())
    return codes if "UNAUTHENTICATED" in codes else {*codes, "no method that it knows"}


def _expected(port: OpenPort) -> frozenset[str]:
    assert port.door
    refused = frozenset({"UNAUTHENTICATED", "UNIMPLEMENTED"})
    return port.door.answers if port.door.protocol == "http" else refused


def test_rays_token_opens_what_is_closed_without_it(service: RunningService):
    token = Path(service.program_environment["RAY_AUTH_TOKEN_PATH"]).read_text()
    (gcs,) = (port for port in open_ports(service) if port.door and port.door.name == "GCS")
    codes = grpc_codes(gcs.port, token=token)
    assert codes["/ray.rpc.NodeInfoGcsService/GetAllNodeInfo"] == "OK"
    assert "UNAUTHENTICATED" not in codes.values()
