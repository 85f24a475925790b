"""Where the public keys of an issuer come from, and which are taken."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pba.errors import InvalidInput
from pba.security.token_keys import TokenKeySource, check_location, parse_token_keys
from tests.support.json_server import JsonServer, json_server
from tests.support.tokens import TokenIssuer

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def server() -> Iterator[JsonServer]:
    with json_server() as running:
        yield running


def test_keys_are_read_from_a_file(tmp_path: Path):
    issuer, path = TokenIssuer(), tmp_path / "keys.json"
    issuer.write(path)
    assert list(TokenKeySource("https://issuer.example", str(path)).read()) == [issuer.key_id]


def test_keys_are_read_from_a_url(server: JsonServer):
    issuer = TokenIssuer()
    server.answers["/keys"] = issuer.key_set()
    source = TokenKeySource("https://issuer.example", f"{server.url}/keys")
    assert list(source.read()) == [issuer.key_id]


def test_the_issuer_says_where_its_keys_are(server: JsonServer):
    issuer = TokenIssuer()
    server.answers[DISCOVERY] = {"issuer": server.url, "jwks_uri": f"{server.url}/keys"}
    server.answers["/keys"] = issuer.key_set()
    assert list(TokenKeySource(server.url).read()) == [issuer.key_id]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"},
        {"jwks_uri": "https://other.example/keys"},
        {"issuer": None},
        {},
        [],
    ],
)
def test_what_another_issuer_says_does_not_count(server: JsonServer, document: Any):
    server.answers[DISCOVERY] = document
    with pytest.raises(InvalidInput, match="openid-configuration"):
        TokenKeySource(server.url).read()


def test_an_issuer_does_not_lead_to_keys_that_can_be_replaced_on_the_way(server: JsonServer):
    document = {"issuer": server.url, "jwks_uri": "http://issuer.example/keys"}
    server.answers[DISCOVERY] = document
    with pytest.raises(InvalidInput, match="https"):
        TokenKeySource(server.url).read()


def test_what_cannot_be_read_is_named_with_its_remedy(server: JsonServer, tmp_path: Path):
    (tmp_path / "keys.json").write_text("no JSON")
    (tmp_path / "list.json").write_text("[]")
    for location in (tmp_path / "absent.json", tmp_path / "keys.json", tmp_path / "list.json"):
        with pytest.raises(InvalidInput, match=location.name):
            TokenKeySource("https://issuer.example", str(location)).read()
    for path in ("/absent", "/huge"):
        server.answers["/huge"] = {"keys": "x" * 1_000_001}
        with pytest.raises(InvalidInput, match=path):
            TokenKeySource("https://issuer.example", server.url + path).read()


@pytest.mark.parametrize("location", ["http://issuer.example/keys", "ftp://x/keys", "file:///keys"])
def test_other_urls_than_https_are_refused(location: str):
    with pytest.raises(InvalidInput, match="https"):
        check_location(location)


@pytest.mark.parametrize("location", ["https://issuer.example", "http://127.0.0.1:8080/x", "/keys"])
def test_https_loopback_and_files_are_taken(location: str):
    check_location(location)


def test_secrets_and_keys_for_encryption_are_left_out():
    signing = TokenIssuer().key_set()["keys"][0]
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"}
    encrypting = {**TokenIssuer().key_set()["keys"][0], "use": "enc", "kid": "enc"}
    keys = parse_token_keys({"keys": [secret, encrypting, signing]}, "the test")
    assert list(keys) == [signing["kid"]]
    with pytest.raises(InvalidInput, match="no key that signs"):
        parse_token_keys({"keys": [secret, encrypting]}, "the test")


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": 3}, {"keys": [{"kty": "RSA"}]}])
def test_what_is_no_key_set_is_refused(document: Any):
    with pytest.raises(InvalidInput):
        parse_token_keys(json.loads(json.dumps(document)), "the test")
