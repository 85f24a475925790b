"""The options by which commands reach a service: over TLS, with a certificate and headers."""

import ssl
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.local_authority import LocalAuthority
from pba.cli import app
from pba.client.connection import DEFAULT_URL
from pba.errors import InvalidRequest, Unavailable
from tests.client.local_server import server

COMMANDS = [
    ("flags", "get"),
    ("flags", "set", "shadow=true"),
    ("rollout", "report"),
    ("forecast", "TRACE"),
    ("replay", "TRACE"),
    ("import", "TRACE", "--observe"),
]


def run(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(app, words, catch_exceptions=False)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_every_command_reaches_a_service_that_wants_a_certificate(
    words: tuple[str, ...], tmp_path: Path
):
    """The stand-in has no answer but an empty list of models, which is none to these commands."""
    trace = tmp_path / "link.csv"
    rows = "".join(f"{1_700_000_000 + at},9\n" for at in range(3))
    trace.write_text(f"timestamp_s,bandwidth_mbps\n{rows}")
    authority = LocalAuthority.create(tmp_path / "authority")
    service, caller = authority.issue("service", ["127.0.0.1"]), authority.issue("caller")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service.cert, service.key)
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    with server(context) as (port, _):
        url = f"https://127.0.0.1:{port}"
        options = ["--ca", authority.ca, "--cert", caller.cert, "--key", caller.key]
        line = [str(trace) if word == "TRACE" else word for word in words]
        with pytest.raises(Unavailable, match=rf"{url} answered 200, but not as PBA does"):
            run(*line, "--url", url, *map(str, options))


def test_headers_and_the_environments_address_and_key_are_sent():
    words = ["flags", "get", "--header", "X-Site: fra1", "--header", "X-Team:net:core"]
    with server() as (port, requests):
        variables = {"PBA_URL": f"http://127.0.0.1:{port}", "PBA_API_KEY": "pba_1_x"}
        with pytest.raises(Unavailable, match="answered 200"):
            run(*words, **variables)
    (request,) = requests
    assert (request.headers["x-site"], request.headers["x-team"]) == ("fra1", "net:core")
    assert request.headers["authorization"] == "Bearer pba_1_x"


def test_a_header_without_a_colon_is_refused_and_not_shown():
    with pytest.raises(InvalidRequest, match="'Name: value'") as caught:
        run("flags", "get", "--header", "pass-w0rd")
    assert "pass-w0rd" not in str(caught.value)


def test_a_key_without_its_certificate_is_refused():
    with pytest.raises(InvalidRequest, match="--cert"):
        run("flags", "get", "--key", "caller.key")


def test_the_help_names_the_options_and_the_default():
    text = run("flags", "get", "--help", COLUMNS="200").stdout
    for word in ("--url", "--ca", "--cert", "--key", "--header", "PBA_URL", DEFAULT_URL):
        assert word in text
