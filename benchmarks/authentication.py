"""What does it cost a router to know who calls? `python -m benchmarks.authentication`.

CPU time of this process over 10 000 calls each, the median of several rounds.
"""

import asyncio
import statistics
import time
from collections.abc import Callable

from pba.errors import PBAError
from pba.security import KeyRecord, Role, Scope, new_key
from pba.security.tokens import TokenRules, TokenVerifier
from pba.serving.key_watch import KeySources, KeyWatch
from tests.support.tokens import AUDIENCE, ISSUER, TokenIssuer

CALLS = 10_000
ROUNDS = 7
KEYS = 1000
NOW_S = 1_790_000_000.0
LIMIT_US = 50.0


def main() -> None:
    """Print the cost of a valid key and of some that are refused."""
    pairs = [new_key(f"link{i}", Role.REPORTER, NOW_S, Scope((f"l{i}:*",))) for i in range(KEYS)]
    record, text = pairs[KEYS // 2]
    watch = asyncio.run(_watch([record for record, _ in pairs]))
    valid = f"Bearer {text}"
    wrong = valid[:-1] + ("A" if text[-1] != "A" else "B")
    unknown = f"Bearer {new_key('x', Role.ADMIN, NOW_S)[1]}"
    link_id = f"l{KEYS // 2}:x"

    def authorized() -> None:
        identity = watch.identify(valid)
        identity.require("link_samples")
        identity.require_link(link_id)

    print(f"us of CPU a request, {KEYS} keys, {CALLS} requests, median of {ROUNDS}:")
    cost_us = _cost_us(authorized)
    print(f"  a valid key, its role and its links: {cost_us:.1f} (at most {LIMIT_US:g})")
    for name, sent in (("wrong secret", wrong), ("unknown key", unknown), ("no key", None)):
        print(f"  {name}: {_cost_us(lambda sent=sent: _refused(watch, sent)):.1f}")
    for algorithm in ("ES256", "RS256"):
        _print_tokens(algorithm)
    assert cost_us <= LIMIT_US


def _print_tokens(algorithm: str) -> None:
    """Print the cost of tokens: the signature of one that is sent again is not checked again."""
    issuer = TokenIssuer(algorithm)
    rules, keys = TokenRules(ISSUER, AUDIENCE), issuer.keys()
    known = TokenVerifier(rules, keys)
    token = issuer.token()
    forged = token[:-6] + "AAAAAA"
    print(f"  a token ({algorithm}) that was sent before:", end=" ")
    print(f"{_cost_us(lambda: known.identify(token, NOW_S)):.1f}")

    def first() -> None:
        TokenVerifier(rules, keys).identify(token, NOW_S)

    print(f"  a new one: {_cost_us(first, CALLS // 10):.1f}; ", end="")
    print(f"a forged one: {_cost_us(lambda: _forged(known, forged), CALLS // 10):.1f}")


def _forged(known: TokenVerifier, token: str) -> None:
    try:
        known.identify(token, NOW_S)
    except PBAError:
        return
    raise AssertionError("it is let in")


async def _watch(records: list[KeyRecord]) -> KeyWatch:
    watch = KeyWatch(KeySources(lambda: records), True, 60.0, 60.0, lambda: NOW_S)
    await watch.refresh()
    return watch


def _refused(watch: KeyWatch, sent: str | None) -> None:
    try:
        watch.identify(sent)
    except PBAError:
        return
    raise AssertionError("it is let in")


def _cost_us(call: Callable[[], object], calls: int = CALLS) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(calls):
            call()
        rounds.append((time.process_time() - began_s) * 1e6 / calls)
    return statistics.median(rounds)


if __name__ == "__main__":
    main()
