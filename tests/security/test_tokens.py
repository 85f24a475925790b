"""Which tokens of an issuer count, and as whom: attacks on JSON Web Tokens among them."""

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest

from pba.errors import Forbidden, PBAError, Unauthenticated
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING
from pba.security.tokens import TokenRules, TokenVerifier, is_token
from tests.support.keys import NOW_S
from tests.support.tokens import AUDIENCE, ISSUER, TokenIssuer

RULES = TokenRules(ISSUER, AUDIENCE)


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    return TokenIssuer()


def verifier(issuer: TokenIssuer, **rules: Any) -> TokenVerifier:
    return TokenVerifier(replace(RULES, **rules), issuer.keys())


def refused(issuer: TokenIssuer, token: str, now_s: float = NOW_S, **rules: Any) -> PBAError:
    with pytest.raises(PBAError) as caught:
        verifier(issuer, **rules).identify(token, now_s)
    assert token not in str(caught.value)
    return caught.value


def part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_valid_token_names_its_caller(algorithm: str):
    issuer = TokenIssuer(algorithm)
    identity = verifier(issuer).identify(issuer.token(), NOW_S)
    assert (identity.name, identity.role, identity.scope) == (
        "oidc:anna",
        Role.REPORTER,
        EVERYTHING,
    )
    assert identity.key_id is None


def test_a_token_without_a_signature_is_refused(issuer: TokenIssuer):
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    for algorithm in ("none", "None", "nOnE"):
        header = part({"alg": algorithm, "kid": issuer.key_id})
        for signature in ("", "c2ln"):
            token = f"{header}.{part(claims)}.{signature}"
            assert is_token(token)
            assert isinstance(refused(issuer, token), Unauthenticated)


def test_the_public_key_does_not_sign_as_a_secret():
    issuer = TokenIssuer("RS256")
    public = json.dumps(issuer.key_set()["keys"][0]).encode()
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    content = f"{part({'alg': 'HS256', 'kid': issuer.key_id})}.{part(claims)}"
    digest = hmac.digest(public, content.encode(), "sha256")
    forged = f"{content}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert "alg is 'HS256'" in str(refused(issuer, forged))


def test_a_token_for_another_algorithm_than_that_of_its_key_is_refused(issuer: TokenIssuer):
    other = TokenIssuer("RS256")
    token = other.token({"kid": issuer.key_id})
    assert "its key is for ES256" in str(refused(issuer, token))


def test_a_changed_token_and_one_of_another_key_are_refused(issuer: TokenIssuer):
    header, claims, signature = issuer.token().split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = f"{header}.{part({**content, 'roles': ['admin']})}.{signature}"
    assert isinstance(refused(issuer, changed), Unauthenticated)
    other = TokenIssuer()
    assert isinstance(refused(issuer, other.token({"kid": issuer.key_id})), Unauthenticated)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "billing"},
        {"aud": None},
        {"exp": None},
        {"exp": NOW_S - 31},
        {"nbf": NOW_S + 31},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_wrong_claims_are_refused(issuer: TokenIssuer, claims: dict[str, Any]):
    now_s = NOW_S
    token = issuer.token(**claims)
    assert isinstance(refused(issuer, token, now_s), Unauthenticated)


def test_times_of_another_kind_are_refused(issuer: TokenIssuer):
    claims = {**jwt.decode(issuer.token(), options={"verify_signature": False}), "exp": "soon"}
    token = jwt.encode(claims, issuer.key, "ES256", {"kid": issuer.key_id})
    assert "exp" in str(refused(issuer, token))


def test_clocks_may_differ_a_little(issuer: TokenIssuer):
    assert verifier(issuer).identify(issuer.token(exp=NOW_S - 29, nbf=NOW_S + 29), NOW_S)


def test_a_token_that_was_valid_ends_at_its_time(issuer: TokenIssuer):
    known = verifier(issuer)
    token = issuer.token(exp=NOW_S + 5)
    assert known.identify(token, NOW_S) is known.identify(token, NOW_S + 34)
    with pytest.raises(Unauthenticated, match="expired"):
        known.identify(token, NOW_S + 35)


def test_one_of_several_audiences_suffices(issuer: TokenIssuer):
    assert verifier(issuer).identify(issuer.token(aud=["billing", AUDIENCE]), NOW_S)


def test_the_highest_role_counts_and_others_than_the_listed_give_none(issuer: TokenIssuer):
    roles = {"dwcp-ops": Role.OPERATOR, "dwcp": Role.READER}
    rules: dict[str, Any] = {"role_claim": "realm_access.roles", "roles": roles}
    token = issuer.token(realm_access={"roles": ["dwcp", "dwcp-ops", "admin"]})
    assert verifier(issuer, **rules).identify(token, NOW_S).role is Role.OPERATOR
    for claims in ({"realm_access": {"roles": ["admin"]}}, {"realm_access": 3}, {}):
        error = refused(issuer, issuer.token(**claims), **rules)
        assert isinstance(error, Forbidden)
        assert "dwcp-ops" in str(error)


def test_roles_may_be_one_text_as_scopes_are(issuer: TokenIssuer):
    token = issuer.token(scope="openid operator")
    assert verifier(issuer, role_claim="scope").identify(token, NOW_S).role is Role.OPERATOR


def test_a_claim_may_have_dots_in_its_name(issuer: TokenIssuer):
    name = "https://pba.example/roles"
    token = issuer.token(**{name: ["admin"]})
    assert verifier(issuer, role_claim=name).identify(token, NOW_S).role is Role.ADMIN


def test_links_come_from_their_claim_and_a_token_without_it_has_none(issuer: TokenIssuer):
    scope = verifier(issuer, links_claim="links").identify(
        issuer.token(links=["fra1:*", "ams2:core"]), NOW_S
    )
    assert scope.scope.patterns == ("fra1:*", "ams2:core")
    for links in (None, [], ["*fra1"], [f"l{i}" for i in range(51)]):
        error = refused(issuer, issuer.token(links=links), links_claim="links")
        assert isinstance(error, Forbidden)


def test_names_cannot_break_a_line_of_the_log_or_look_like_another(issuer: TokenIssuer):
    names = ["an\nna", "an na", "an%0Ana", "ännä", "x" * 300]
    tokens = [issuer.token(sub=name) for name in names]
    shown = [verifier(issuer).identify(token, NOW_S).name for token in tokens]
    assert len(set(shown)) == len(names)
    assert all(name is not None and name.isascii() and name.isprintable() for name in shown)
    assert all(len(str(name)) <= 205 for name in shown)


def test_a_token_of_a_missing_key_differs_from_a_wrong_one(issuer: TokenIssuer):
    known = verifier(issuer)
    assert known.misses_key_of(issuer.token({"kid": "next"}))
    assert not known.misses_key_of(issuer.token())
    assert not known.misses_key_of("e30.e30.c2ln")
    assert not known.misses_key_of(f"{part({'alg': 'none', 'kid': 'next'})}.e30.")


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "a b.c.d", "a.b.c\n", "é.b.c", "a." * 5000])
def test_other_texts_are_no_tokens(text: str):
    assert not is_token(text)


def test_as_many_tokens_are_remembered_as_fit(issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pba.security.tokens._CACHED", 2)
    known = verifier(issuer)
    tokens = [issuer.token(sub=name) for name in ("anna", "ben", "carla")]
    for token in tokens:
        known.identify(token, NOW_S)
    assert len(known._known) == 2
    assert known.identify(tokens[0], NOW_S).name == "oidc:anna"
