import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from pba.errors import InvalidInput
from pba.security import KeyRecord, Role, Scope, new_key
from pba.security.keys import parse_key

NOW_S = 1_790_000_000.0


def test_a_new_key_holds_its_id_and_256_bits_that_its_record_does_not():
    record, text = new_key("dwcp-fra1", Role.REPORTER, NOW_S, Scope(("fra1:*",)))
    key = parse_key(text)
    assert key is not None
    assert key.key_id == record.key_id
    assert len(key.secret) * 6 >= 256
    assert record.matches(key.secret)
    assert key.secret not in json.dumps(record.as_dict())
    assert new_key("dwcp-fra1", Role.REPORTER, NOW_S)[1] != text


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    record, text = new_key("a", Role.READER, NOW_S)
    key = parse_key(text)
    assert key is not None
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *two: compared.append(two) or True)
    assert record.matches("x")
    assert len(compared) == 1


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", str.swapcase])
def test_another_secret_does_not_match(change: Any):
    record, text = new_key("a", Role.READER, NOW_S)
    key = parse_key(text)
    assert key is not None
    assert not record.matches(change(key.secret))


@pytest.mark.parametrize(
    "text",
    ["", "pba_", "pba_0123456789abcdef_short", "pba_0123456789ABCDEF_" + 43 * "x"]
    + ["pba_0123456789abcdef_" + 43 * "x" + "\n", "x" * 1_000_000],
)
def test_what_is_no_key_is_not_read_as_one(text: str):
    assert parse_key(text) is None


def test_a_key_ends_when_it_expires_or_is_revoked_whichever_is_first():
    record = new_key("a", Role.READER, NOW_S, expires_s=NOW_S + 10)[0]
    assert record.is_valid(NOW_S + 9.9)
    assert not record.is_valid(NOW_S + 10)
    revoked = record.revoked(NOW_S + 5)
    assert not revoked.is_valid(NOW_S + 5)
    assert revoked.revoked(NOW_S + 7) == revoked
    assert revoked.revoked(NOW_S + 3).revoked_s == NOW_S + 3


def test_a_record_is_the_same_after_a_file():
    record = new_key("a", Role.OPERATOR, NOW_S, Scope(("a", "b*")), NOW_S + 1)[0].revoked(NOW_S)
    assert KeyRecord.from_dict(json.loads(json.dumps(record.as_dict()))) == record


@pytest.mark.parametrize(
    "change",
    [{"name": "a b"}, {"name": ""}, {"role": "root"}, {"links": []}, {"sha256": "x"}]
    + [{"id": "x"}, {"created_s": None}, {"links": 7}, {"expires_s": "soon"}],
)
def test_a_document_of_another_form_is_no_record(change: dict[str, Any]):
    document = new_key("a", Role.READER, NOW_S)[0].as_dict()
    with pytest.raises(ValueError, match=r"\w"):
        KeyRecord.from_dict(document | change)


def test_a_name_with_a_line_end_could_forge_a_line_of_a_log():
    record = new_key("a", Role.READER, NOW_S)[0]
    with pytest.raises(InvalidInput, match="characters"):
        replace(record, name="a\nroot")


@pytest.mark.parametrize("name", ["local", "ray:job", "oidc:anna", "cert:router-1"])
def test_no_key_has_the_name_of_a_caller_without_one(name: str):
    with pytest.raises(InvalidInput, match="stand for callers without a key"):
        new_key(name, Role.READER, NOW_S)
    assert new_key(f"x{name}", Role.READER, NOW_S)[0].name == f"x{name}"
