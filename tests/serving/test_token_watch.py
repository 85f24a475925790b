"""Keys of an issuer that are replaced, missed, or not to be read."""

import asyncio
import logging

import jwt
import pytest

from pba.errors import InvalidInput, KeysUnavailable, Unauthenticated
from pba.security.tokens import TokenRules
from pba.serving.token_watch import TokenWatch
from tests.support.keys import NOW_S
from tests.support.tokens import AUDIENCE, ISSUER, TokenIssuer
from tests.support.waiting import until


class Source:
    """Gives the keys of ``issuer``, or raises ``error``."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self.issuer = issuer
        self.error: InvalidInput | None = None
        self.reads = 0

    def __call__(self) -> dict[str, jwt.PyJWK]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.issuer.keys()


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


async def read_again(source: Source) -> None:
    """Wait until the keys have been read a second time and count."""
    await until(lambda: source.reads == 2, "a read")
    await asyncio.sleep(0.01)


def watch(source: Source, clock: Clock, every_s: float = 300.0) -> TokenWatch:
    return TokenWatch(TokenRules(ISSUER, AUDIENCE), source, 600.0, every_s, clock)


async def test_before_the_keys_were_ever_read_no_token_is_refused_or_taken():
    source = Source(TokenIssuer())
    source.error = InvalidInput("away")
    tokens = watch(source, Clock())
    await tokens.refresh()
    assert isinstance(tokens.refusal, KeysUnavailable)
    with pytest.raises(KeysUnavailable):
        tokens.identify(source.issuer.token())
    source.error = None
    await tokens.refresh()
    assert tokens.refusal is None
    assert tokens.identify(source.issuer.token()).name == "oidc:anna"


async def test_keys_count_for_a_while_after_they_could_be_read_and_no_longer(
    caplog: pytest.LogCaptureFixture,
):
    source, clock = Source(TokenIssuer()), Clock()
    tokens = watch(source, clock)
    await tokens.refresh()
    source.error = InvalidInput("the issuer is away")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await tokens.refresh()
    assert len(caplog.records) == 1
    clock.now_s += 600
    assert tokens.identify(source.issuer.token())
    clock.now_s += 1
    with pytest.raises(KeysUnavailable):
        tokens.identify(source.issuer.token())


async def test_a_token_of_a_new_key_has_the_keys_read_again_and_is_then_taken():
    source, clock = Source(TokenIssuer()), Clock()
    tokens = watch(source, clock)
    await tokens.start()
    assert tokens.running
    source.issuer.replace_key()
    clock.now_s += 11
    token = source.issuer.token()
    with pytest.raises(KeysUnavailable, match="Try again"):
        tokens.identify(token)
    await read_again(source)
    assert tokens.identify(token).name == "oidc:anna"
    tokens.stop()


async def test_tokens_of_unknown_keys_do_not_flood_the_issuer():
    source, clock = Source(TokenIssuer()), Clock()
    tokens = watch(source, clock)
    await tokens.start()
    forged = TokenIssuer().token({"kid": "nonsense"})
    clock.now_s += 11
    with pytest.raises(KeysUnavailable):
        tokens.identify(forged)
    await read_again(source)
    for _ in range(100):
        with pytest.raises(Unauthenticated):
            tokens.identify(forged)
    await asyncio.sleep(0.05)
    assert source.reads == 2
    tokens.stop()


async def test_a_key_that_the_issuer_has_withdrawn_counts_no_more_once_the_keys_are_read():
    source, clock = Source(TokenIssuer()), Clock()
    tokens = watch(source, clock)
    await tokens.refresh()
    token = source.issuer.token()
    assert tokens.identify(token)
    source.issuer.replace_key()
    await tokens.refresh()
    with pytest.raises(Unauthenticated):
        tokens.identify(token)
