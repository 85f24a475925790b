"""Pointers that cannot be read point to no version, and can be replaced."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pba.registry import Registry
from tests.registry.builders import NAME, registry_file


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def altered(**changes: object) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return alter


@pytest.mark.parametrize(
    "damage",
    [
        half,
        empty,
        altered(version="../b"),
        altered(version=7),
        altered(number=3),
        altered(back=2),
        altered(back="1"),
        altered(at_s="noon"),
        altered(at_s=1e30),
        altered(who=None),
        altered(action="stolen"),
    ],
)
def test_an_invalid_pointer_is_reported_and_can_be_replaced(
    registry: Registry, damage: Callable[[Path], None]
):
    pointer = registry.promote(NAME, "a", "me")
    registry.promote(NAME, "b", "me")
    damage(registry_file(registry, "champion/00000002.json"))
    now = registry.champion(NAME)
    assert (now.number, now.version, now.action) == (2, "?", "unreadable")
    assert "00000002.json cannot be read" in now.why
    assert registry.history(NAME) == [now, pointer]
    assert registry.promote(NAME, "c", "me", expected=2).number == 3
    assert registry.rollback(NAME, "me").version == "a"


def test_a_rollback_skips_an_invalid_pointer(registry: Registry):
    for version in "ab":
        registry.promote(NAME, version, "me")
    registry_file(registry, "champion/00000002.json").write_text("")
    assert registry.rollback(NAME, "me").version == "a"


def test_other_files_beside_the_pointers_are_ignored(registry: Registry):
    registry.promote(NAME, "a", "me")
    for name in ("00000009.json.tmp", ".00000009.json.aa", "9.json", "readme"):
        Path(registry.root, NAME, "champion", name).write_text("x")
    assert registry.promote(NAME, "b", "me").number == 2
