"""Champions are promoted and rolled back one at a time, and their history is kept."""

from pathlib import Path

import fsspec
import pytest

from pba.errors import BadArtifact, Conflict
from pba.registry import NONE, Pointer, Registry
from tests.registry.builders import (
    NAME,
    NOW_S,
    champion,
    publish_toys,
    registry_file,
    version_names,
)


def test_without_a_promotion_the_shipped_model_is_champion(registry: Registry):
    assert registry.champion(NAME) == registry.champion("v1") == NONE
    assert registry.history(NAME) == []
    assert NONE.as_dict()["at"] is None


def test_a_promotion_is_recorded_with_author_and_reason(registry: Registry):
    registry.promote(NAME, "a", "me")
    pointer = registry.promote(NAME, "b", "you", "it is better", expected="a")
    assert pointer == Pointer(2, "b", "promoted", 1, NOW_S, "you", "it is better")
    assert registry.champion(NAME) == registry.champion(NAME, since=NONE) == pointer
    assert [pointer.version for pointer in registry.history(NAME)] == ["b", "a"]
    assert [pointer.version for pointer in registry.history(NAME, 1)] == ["b"]
    assert pointer.as_dict() == {
        "number": 2,
        "version": "b",
        "action": "promoted",
        "back": 1,
        "at": "2033-05-18T03:33:20Z",
        "who": "you",
        "why": "it is better",
    }


def test_rollbacks_lead_back_champion_by_champion_to_the_shipped_model(registry: Registry):
    for version in "abc":
        registry.promote(NAME, version, "me")
    back = [registry.rollback(NAME, "me").version for _ in range(3)]
    assert back == ["b", "a", "shipped"]
    with pytest.raises(Conflict, match="nothing to go back to"):
        registry.rollback(NAME, "me")
    assert champion(registry) == (6, "shipped")
    registry.promote(NAME, "c", "me")
    assert registry.rollback(NAME, "me").version == "shipped"


def test_a_rollback_after_a_rollback_and_a_promotion_leads_to_the_champion_before(
    registry: Registry,
):
    for version in "ab":
        registry.promote(NAME, version, "me")
    registry.rollback(NAME, "me")
    registry.promote(NAME, "c", "me")
    assert [registry.rollback(NAME, "me").version for _ in range(2)] == ["a", "shipped"]


def test_one_rollback_undoes_promoting_the_champion_again(registry: Registry):
    for version in "abb":
        registry.promote(NAME, version, "me")
    assert champion(registry) == (3, "b")
    assert registry.rollback(NAME, "me").version == "a"


def test_a_rollback_to_a_damaged_version_is_refused(registry: Registry):
    for version in "ab":
        registry.promote(NAME, version, "me")
    registry_file(registry, "a/golden.json").unlink()
    with pytest.raises(BadArtifact, match="golden.json"):
        registry.rollback(NAME, "me")
    assert champion(registry) == (2, "b")


@pytest.mark.parametrize("expected", [0, 2, "b", "shipped", "nothing"])
def test_a_champion_other_than_the_expected_one_is_not_replaced(
    registry: Registry, expected: int | str
):
    registry.promote(NAME, "a", "me", expected=0)
    with pytest.raises(Conflict, match="is a, number 1") as error:
        registry.promote(NAME, "b", "me", expected=expected)
    assert error.value.field == "expected"
    with pytest.raises(Conflict, match="is a, number 1"):
        registry.rollback(NAME, "me", expected=expected)
    assert champion(registry) == (1, "a")


@pytest.mark.parametrize("expected", [1, "a", None])
def test_the_expected_champion_is_replaced(registry: Registry, expected: int | str | None):
    registry.promote(NAME, "a", "me", expected="shipped")
    assert registry.promote(NAME, "b", "me", expected=expected).number == 2


def test_a_registry_can_be_at_an_fsspec_url(tmp_path: Path):
    registry = Registry("memory://models", lambda: NOW_S)
    publish_toys(tmp_path, registry, "a", "b")
    registry.promote(NAME, "a", "me")
    registry.promote(NAME, "b", "me")
    assert (version_names(registry), champion(registry)) == (["a", "b"], (2, "b"))
    assert registry.load(NAME, "b")[0].version == "b"
    assert registry.rollback(NAME, "me").version == "a"
    fsspec.filesystem("memory").rm("/models", recursive=True)
    assert registry.models() == []
