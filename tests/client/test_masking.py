"""Secrets of the caller never appear in errors."""

import base64

import httpx
import pytest

from pba.client import PBAClient
from pba.client.masking import masked, without_secrets
from pba.errors import Unavailable
from tests.client.conftest import StandIn

SECRET = "pass-w0rd"
BASIC = base64.b64encode(f"anna:{SECRET}".encode()).decode()
URL = f"http://anna:{SECRET}@pba:1"
HEADERS = {"Authorization": "Bearer tok-123", "X-Api-Key": "key-17"}


@pytest.mark.parametrize(
    "page",
    [
        f"no entry for anna:{SECRET}",
        f"you sent Authorization: Basic {BASIC}",
        f"{URL}/v1/models is closed",
        f'{{"headers": {{"authorization": "Basic {BASIC}"}}}}',
    ],
)
def test_an_answer_that_quotes_the_request_is_shown_without_its_secrets(
    service: StandIn, page: str
):
    service.respond(503, text=page)
    with PBAClient(URL, retries=0) as client, pytest.raises(Unavailable) as caught:
        client.models()
    assert "answered 503" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert BASIC not in str(caught.value)


def test_given_headers_are_secrets_too(service: StandIn):
    service.respond(401, text="tok-123 and key-17 are unknown")
    client = PBAClient("http://pba:1", retries=0, headers=HEADERS)
    with client, pytest.raises(Unavailable, match=r"'\*\*\* and \*\*\* are unknown'"):
        client.models()


def test_a_secret_at_the_end_of_the_excerpt_is_masked_before_it_is_cut(service: StandIn):
    service.respond(503, text="x" * 195 + "key-17")
    client = PBAClient("http://pba:1", retries=0, headers=HEADERS)
    with client, pytest.raises(Unavailable) as caught:
        client.models()
    assert "key" not in str(caught.value)
    assert f"'{'x' * 195}***'" in str(caught.value)


def test_an_error_of_the_connection_names_the_host_alone(service: StandIn):
    service.respond_in_turn(httpx.ProxyError(f"407 for {URL}"))
    with PBAClient(URL, retries=0) as client, pytest.raises(Unavailable) as caught:
        client.models()
    assert "http://pba:1 does not answer" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=abc, next", "password=***, next"),
        ('{"access_token": "abc"}', '{"access_token": "***"}'),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***; Path=/"),
        ("postgresql://u:p@db/pba", "postgresql://***@db/pba"),
        ("mail anna@example.org", "mail anna@example.org"),
        ("the token is old", "the token is old"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str):
    assert without_secrets(text, httpx.Request("GET", "http://pba")) == shown


def test_an_address_without_credentials_stays_as_it_is():
    assert masked("http://pba:8000/x") == "http://pba:8000/x"
