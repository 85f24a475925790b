from dataclasses import replace

import pytest

from pba.errors import (
    AuthenticationNotConfigured,
    Forbidden,
    KeysUnavailable,
    PBAError,
    Unauthenticated,
)
from pba.security import KeyRecord
from pba.security.identity import ANYBODY, Identity
from pba.security.key_ring import KeyRing, StoredKeys
from tests.support.keys import NOW_S, key

STALE_S = 60.0
RECORD, HEADER = key("reporter", "fra1:*")
TEXT = HEADER["Authorization"]


def ring(*records: KeyRecord, opens: bool = True, needs_file: bool = False) -> KeyRing:
    """Return what is known right after ``records`` were read from the store."""
    return KeyRing(opens, STALE_S, needs_file).with_store(StoredKeys(records, NOW_S))


def refused(ring: KeyRing, text: str | None, now_s: float = NOW_S) -> type[PBAError]:
    with pytest.raises(PBAError) as caught:
        ring.identify(text, now_s)
    return type(caught.value)


def test_a_valid_key_gives_its_identity():
    assert ring(RECORD).identify(TEXT, NOW_S) == Identity.of(RECORD)


def test_without_keys_everybody_comes_in_where_that_is_open_and_nobody_elsewhere():
    assert ring().identify(None, NOW_S) is ANYBODY
    assert ring().identify("Bearer nonsense", NOW_S) is ANYBODY
    assert refused(ring(opens=False), None) is AuthenticationNotConfigured
    assert refused(ring(opens=False), TEXT) is AuthenticationNotConfigured


@pytest.mark.parametrize("opens", [False, True])
def test_keys_that_are_not_valid_any_more_keep_it_closed(opens: bool):
    revoked = ring(RECORD.revoked(NOW_S - 1), opens=opens)
    assert refused(revoked, TEXT) is Unauthenticated
    assert refused(revoked, None) is Unauthenticated


def test_a_key_ends_at_its_time():
    expiring = ring(replace(RECORD, expires_s=NOW_S + 5))
    assert expiring.identify(TEXT, NOW_S + 4.9).key_id == RECORD.key_id
    assert refused(expiring, TEXT, NOW_S + 5) is Unauthenticated


def test_before_the_store_was_ever_read_nobody_is_known():
    for opens in (False, True):
        unread = KeyRing(opens, STALE_S)
        for text in (None, TEXT, "Bearer nonsense"):
            assert refused(unread, text) is KeysUnavailable


def test_keys_of_a_store_that_is_away_count_for_a_while():
    known = ring(RECORD)
    assert known.identify(TEXT, NOW_S + STALE_S).key_id == RECORD.key_id
    assert refused(known, TEXT, NOW_S + STALE_S + 1) is KeysUnavailable
    assert refused(known, None, NOW_S + STALE_S + 1) is Unauthenticated


def test_that_there_were_no_keys_counts_for_the_same_while():
    assert ring().identify(None, NOW_S + STALE_S) is ANYBODY
    assert refused(ring(), None, NOW_S + STALE_S + 1) is KeysUnavailable


def test_keys_of_a_file_count_whatever_becomes_of_the_store():
    for opens in (False, True):
        alone = KeyRing(opens, STALE_S, needs_file=True).with_file([RECORD])
        assert alone.identify(TEXT, NOW_S + 1e9).key_id == RECORD.key_id
        assert refused(alone, key("admin")[1]["Authorization"]) is KeysUnavailable
        both = alone.with_store(StoredKeys((), NOW_S))
        assert refused(both, key("admin")[1]["Authorization"]) is Unauthenticated
        assert refused(both, None) is Unauthenticated


def test_a_file_that_was_never_read_leaves_the_service_closed():
    assert refused(ring(needs_file=True), None) is KeysUnavailable
    assert ring(RECORD, needs_file=True).identify(TEXT, NOW_S).key_id == RECORD.key_id


def test_an_empty_file_lets_nobody_in():
    assert refused(ring(needs_file=True).with_file([]), None) is Unauthenticated


def test_the_same_keys_read_again_count_from_then_on():
    later = ring(RECORD).with_store(StoredKeys((RECORD,), NOW_S + 50), changed=False)
    assert later.identify(TEXT, NOW_S + 50 + STALE_S).key_id == RECORD.key_id


def test_what_nobody_may_do_an_admin_may_not_either():
    with pytest.raises(Forbidden, match="no role may make this call"):
        ANYBODY.require("no such call")
    with pytest.raises(Forbidden, match="no role may make this call"):
        ANYBODY.require(None)


def test_a_caller_without_a_key_is_no_key_called_none():
    with pytest.raises(Forbidden, match="the caller has the role reader") as caught:
        replace(ANYBODY, role=Identity.of(key("reader")[0]).role).require("set_flags")
    assert "None" not in str(caught.value)
