"""`make serve-secure` as it runs, with an authority of callers: TLS, keys, Ray's token and TLS."""

import json
import re
import shlex
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from deployments.grpc import pba_pb2_grpc
from deployments.local_authority import Issued, LocalAuthority
from tests.deployments.grpc import messages
from tests.support.doors import open_ports
from tests.support.exported import exported_variables
from tests.support.haproxy import certificate_serial
from tests.support.histories import INTERNET
from tests.support.intruder import grpc_codes
from tests.support.service import PROJECT, RunningService, running_service
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority.create(tmp_path_factory.mktemp("secure"))


@pytest.fixture(scope="module")
def caller(authority: LocalAuthority) -> Issued:
    return authority.issue("another")


@pytest.fixture(scope="module")
def secure_service(authority: LocalAuthority, caller: Issued) -> Iterator[RunningService]:
    """Start a service of which every caller needs a certificate."""
    verify = ssl.create_default_context(cafile=authority.ca)
    verify.load_cert_chain(caller.cert, caller.key)
    with running_service(
        verify=verify, secure=authority.ca.parent, tls_client_ca=str(authority.ca)
    ) as running:
        exported_variables(running.folder / "screen")  # the last that it shows
        yield running


@pytest.fixture
def key(secure_service: RunningService) -> dict[str, str]:
    """Return the header with the admin's key, which the start has shown."""
    (text,) = re.findall(r"export PBA_API_KEY=(\S+)", secure_service.screen)
    return {"Authorization": f"Bearer {text}"}


def channel(service: RunningService, ca: Path, caller: Issued | None) -> grpc.Channel:
    mine = (caller.key.read_bytes(), caller.cert.read_bytes()) if caller else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), *mine)
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.secure_channel(service.grpc_address, credentials, options)


def test_http_and_grpc_answer_over_tls(
    secure_service: RunningService,
    authority: LocalAuthority,
    caller: Issued,
    key: dict[str, str],
):
    samples = [
        dict(zip(("timestamp", "bandwidth_mbps"), (at, 50.0), strict=True)) for at in range(60)
    ]
    body = {"history": samples}
    url = f"{secure_service.url}/v1/forecast"
    response = httpx.post(url, json=body, headers=key, verify=secure_service.verify)
    assert response.status_code == 200
    metadata = [("authorization", key["Authorization"])]
    with channel(secure_service, authority.ca, caller) as opened:
        forecast = pba_pb2_grpc.PredictorStub(opened).Forecast(
            messages.request(INTERNET), metadata=metadata, timeout=60
        )
    assert forecast.forecast.source == "model"


def test_callers_without_a_certificate_and_without_tls_are_refused(
    secure_service: RunningService, authority: LocalAuthority
):
    url = f"{secure_service.url}/livez"
    strangers = (ssl.create_default_context(cafile=authority.ca), ssl.create_default_context())
    for verify in strangers:
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=verify)
    with pytest.raises(httpx.TransportError):
        httpx.get(url.replace("https", "http"))
    for opened in (
        channel(secure_service, authority.ca, None),
        grpc.insecure_channel(secure_service.grpc_address),
    ):
        with opened, pytest.raises(grpc.RpcError) as caught:
            pba_pb2_grpc.PredictorStub(opened).Forecast(messages.request(INTERNET), timeout=60)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_callers_without_a_key_are_refused_and_its_key_is_in_no_log(
    secure_service: RunningService, authority: LocalAuthority, caller: Issued, key: dict[str, str]
):
    url = f"{secure_service.url}/v1/models"
    for header in ({}, {"Authorization": "Bearer pba_0123456789abcdef_" + 43 * "x"}):
        assert httpx.get(url, headers=header, verify=secure_service.verify).status_code == 401
    with (
        channel(secure_service, authority.ca, caller) as opened,
        pytest.raises(grpc.RpcError) as caught,
    ):
        pba_pb2_grpc.PredictorStub(opened).Forecast(messages.request(INTERNET), timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    secret = key["Authorization"].split("_", 2)[2]  # it may hold more of them
    for log in [secure_service.folder / "log", *secure_service.folder.rglob("logs/**/*")]:
        assert not log.is_file() or secret.encode() not in log.read_bytes(), log


def test_the_commands_that_it_shows_work(secure_service: RunningService, key: dict[str, str]):
    lines = secure_service.screen.splitlines()
    curl = next(line for line in lines if line.startswith("  curl "))
    variables = secure_service.environment | {
        "PBA_API_KEY": key["Authorization"].removeprefix("Bearer ")
    }
    shown = subprocess.run(curl, shell=True, env=variables, cwd=PROJECT, capture_output=True)
    assert json.loads(shown.stdout)["models"]
    forecast = next(line for line in lines if " forecast FILE.csv" in line)
    flags = subprocess.run(
        shlex.split(forecast.replace("forecast FILE.csv", "flags get")),
        env=variables,
        cwd=PROJECT,
        capture_output=True,
    )
    assert json.loads(flags.stdout)["flags"], flags.stderr


def test_the_commands_of_the_readme_work(
    secure_service: RunningService, authority: LocalAuthority, caller: Issued, key: dict[str, str]
):
    section = (PROJECT / "README.md").read_text().split("## Encrypted, with keys")[1]
    block = section.split("```sh\n")[2].partition("```")[0]
    for written, here in (
        ("https://127.0.0.1:8000", secure_service.url),
        ("KEY\n", key["Authorization"].removeprefix("Bearer ") + "\n"),
        ("data/secure/ca.pem", f"{authority.ca} --cert {caller.cert} --key {caller.key}"),
        ("data/secure", str(authority.ca.parent)),
    ):
        assert written in block
        block = block.replace(written, here)
    done = subprocess.run(
        ["sh", "-eu"],
        input=block,
        cwd=PROJECT,
        env=secure_service.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert '"internet"' in done.stdout
    assert '"shadow"' in done.stdout
    reporter = {"Authorization": f"Bearer {done.stdout.split()[-1]}"}
    url = f"{secure_service.url}/v1/whoami"

    def role() -> object:
        response = httpx.get(url, headers=reporter, verify=secure_service.verify)
        return response.json().get("role")

    wait_until(lambda: role() == "reporter", "the new key")


def test_a_program_with_rays_token_and_certificate_calls_the_handle(
    secure_service: RunningService,
):
    links = secure_service.program(
        "handle = serve.get_app_handle('pba')\n"
        "reply(handle.link_forecasts.remote(['nobody']).result())"
    )
    assert links[0]["error"]["code"] == "not_found"


def test_every_port_is_listed_and_rays_answer_no_one_without_a_certificate(
    secure_service: RunningService,
):
    ports = open_ports(secure_service)
    assert [port for port in ports if port.door is None] == []
    codes = {
        port: set(grpc_codes(port.port).values())
        for port in ports
        if port.door and port.door.protocol == "grpc"
    }
    assert len(codes) >= 10
    assert {code for each in codes.values() for code in each} == {"UNAVAILABLE"}


def test_a_renewed_certificate_counts_without_a_restart(
    secure_service: RunningService, authority: LocalAuthority, caller: Issued
):
    addresses = (secure_service.url.removeprefix("https://"), secure_service.grpc_address)
    before = [certificate_serial(address) for address in addresses]
    authority.issue("service", ["127.0.0.1"])
    for address, old in zip(addresses, before, strict=True):
        wait_until(lambda at=address, was=old: certificate_serial(at) != was, address)
    assert httpx.get(f"{secure_service.url}/livez", verify=secure_service.verify).is_success


def test_the_screen_says_https(secure_service: RunningService):
    assert f"HTTP     {secure_service.url}" in secure_service.screen
