"""Which of key, token and certificate names a caller."""

import pytest

from pba.errors import KeysUnavailable, Unauthenticated
from pba.security import KeyRecord
from pba.security.client_certificates import ClientCertificates
from pba.security.identity import ANYBODY, Identity
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING
from pba.security.tokens import TokenRules
from pba.serving.callers import Callers
from pba.serving.key_watch import KeySources, KeyWatch
from pba.serving.token_watch import TokenWatch
from tests.security.test_client_certificates import certificate
from tests.support.keys import NOW_S, key
from tests.support.tokens import AUDIENCE, ISSUER, TokenIssuer

FRA = Identity("cert:CN:fra1", Role.REPORTER, EVERYTHING)
LISTED = ClientCertificates({"CN:fra1": FRA})
CERTIFICATE = certificate("fra1")


async def known(
    *records: KeyRecord,
    issuer: TokenIssuer | None = None,
    certificates: ClientCertificates | None = None,
) -> Callers:
    others = issuer is not None or certificates is not None
    keys = KeyWatch(
        KeySources(lambda: list(records), others=others), True, 60.0, 60.0, lambda: NOW_S
    )
    tokens = None
    if issuer is not None:
        rules = TokenRules(ISSUER, AUDIENCE)
        tokens = TokenWatch(rules, issuer.keys, 60.0, 60.0, lambda: NOW_S)
    callers = Callers(keys, tokens, certificates)
    await callers.refresh()
    return callers


async def test_without_any_of_them_all_is_open():
    callers = await known()
    assert callers.lets_everybody_in
    assert callers.identify(None, CERTIFICATE) is ANYBODY


async def test_an_issuer_or_a_list_of_certificates_closes_a_service_without_keys():
    for callers in (await known(issuer=TokenIssuer()), await known(certificates=LISTED)):
        assert not callers.lets_everybody_in
        assert callers.refusal is None
        with pytest.raises(Unauthenticated):
            callers.identify(None)


async def test_keys_and_tokens_count_side_by_side():
    issuer, (record, header) = TokenIssuer(), key("operator")
    callers = await known(record, issuer=issuer)
    assert callers.identify(header["Authorization"]).key_id == record.key_id
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert callers.identify(f"{scheme} {issuer.token()}").name == "oidc:anna"
    for text in (f"Basic {issuer.token()}", issuer.token(), f"Bearer  {issuer.token()}"):
        with pytest.raises(Unauthenticated):
            callers.identify(text)


async def test_a_service_without_an_issuer_takes_no_token():
    record, _ = key("operator")
    callers = await known(record)
    with pytest.raises(Unauthenticated):
        callers.identify(f"Bearer {TokenIssuer().token()}")


async def test_a_certificate_names_a_caller_who_sends_nothing_else():
    record, header = key("operator")
    callers = await known(record, certificates=LISTED)
    assert callers.identify(None, CERTIFICATE) is FRA
    assert callers.identify(header["Authorization"], CERTIFICATE).key_id == record.key_id
    for certificate_of_nobody in (certificate("ams2"), b"nonsense", None):
        with pytest.raises(Unauthenticated):
            callers.identify(None, certificate_of_nobody)


async def test_a_wrong_key_is_refused_whatever_the_certificate_says():
    record, header = key("operator")
    callers = await known(record, certificates=LISTED)
    with pytest.raises(Unauthenticated):
        callers.identify(header["Authorization"] + "x", CERTIFICATE)


async def test_tokens_count_while_no_key_can_be_read():
    issuer = TokenIssuer()
    keys = KeyWatch(KeySources(list, others=True), True, 60.0, 60.0, lambda: NOW_S)
    tokens = TokenWatch(TokenRules(ISSUER, AUDIENCE), issuer.keys, 60.0, 60.0, lambda: NOW_S)
    callers = Callers(keys, tokens)
    await tokens.refresh()
    assert callers.refusal is None
    assert callers.identify(f"Bearer {issuer.token()}").name == "oidc:anna"
    with pytest.raises(KeysUnavailable):
        callers.identify(key("admin")[1]["Authorization"])
