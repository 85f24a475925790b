import importlib
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.cli.key_places import KeyFile
from pba.errors import InvalidInput, NotFound
from pba.security import KeyRecord
from pba.security.keys import parse_key
from pba.store import Store

DAY_S = 86_400.0
FIRST = ("create", "--role", "reporter", "--links", "fra1:*", "--name", "dwcp-fra1")


class Command:
    """`pba keys` on an empty store or file, at a time that a test sets."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.now_s = 1_790_000_000.0
        self.kind, self.file = kind, folder / "keys.json"
        self.url = f"sqlite:///{folder}/new/pba.db"
        self.place = ["--store", self.url] if kind == "store" else ["--file", str(self.file)]

    def __call__(self, *words: str) -> Result:
        runner = CliRunner(env={"COLUMNS": "200"})
        return runner.invoke(app, ["keys", *words, *self.place], catch_exceptions=False)

    def records(self) -> list[KeyRecord]:
        """Return the keys that are kept."""
        if self.kind == "file":
            return KeyFile(self.file, lambda: self.now_s).records()
        store = Store(self.url, lambda: self.now_s)
        records = store.keys.records()
        store.close()
        return records


@pytest.fixture(params=["store", "file"])
def command(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    command = Command(tmp_path, request.param)
    module = importlib.import_module("pba.cli.keys")  # the package has the command of that name
    monkeypatch.setattr(module, "_clock", lambda: command.now_s)
    return command


def test_the_first_key_needs_no_more_than_the_database(command: Command):
    result = command(*FIRST, "--expires", "90d")
    key = parse_key(result.stdout.strip())
    assert key is not None, "stdout is the key alone"
    (record,) = command.records()
    assert record.matches(key.secret)
    assert (record.role, record.scope.patterns, record.name) == (
        "reporter",
        ("fra1:*",),
        "dwcp-fra1",
    )
    assert record.expires_s == command.now_s + 90 * DAY_S
    assert key.secret not in result.stderr + command("list").output


def test_the_list_shows_every_key_and_its_state(command: Command):
    assert "There are no keys" in command("list").output
    for name, options in (("lasting", ()), ("short", ("--expires", "1h")), ("gone", ())):
        command("create", "--role", "reader", "--name", name, *options)
    command("revoke", "gone")
    command.now_s += 7200
    lines = {line.split()[1]: line for line in command("list").output.splitlines()[2:]}
    assert lines["lasting"].rstrip().endswith("valid")
    assert "expired" in lines["short"]
    assert "revoked" in lines["gone"]


def test_the_list_is_json_on_request(command: Command):
    assert json.loads(command("list", "--json").stdout) == []
    command(*FIRST, "--limit", "in_flight=20")
    (record,) = command.records()
    assert json.loads(command("list", "--json").stdout) == [
        {
            "id": record.key_id,
            "name": "dwcp-fra1",
            "role": "reporter",
            "links": ["fra1:*"],
            "created_s": command.now_s,
            "expires_s": None,
            "revoked_s": None,
            "limits": {"in_flight": 20},
            "state": "valid",
        }
    ]


def test_a_rotated_key_has_the_same_rights_and_both_are_valid_for_a_while(command: Command):
    old = parse_key(command(*FIRST, "--expires", "90d").stdout.strip())
    command.now_s += 80 * DAY_S
    new = parse_key(command("rotate", "dwcp-fra1", "--overlap", "1h").stdout.strip())
    assert old
    assert new
    before, after = command.records()
    assert (before.key_id, after.key_id) == (old.key_id, new.key_id)
    assert (after.role, after.scope, after.name) == (before.role, before.scope, before.name)
    assert after.matches(new.secret)
    assert after.expires_s == command.now_s + 90 * DAY_S
    assert before.is_valid(command.now_s + 3599)
    assert not before.is_valid(command.now_s + 3600)


def test_a_name_that_two_valid_keys_share_does_not_say_which(command: Command):
    command(*FIRST)
    command(*FIRST)
    with pytest.raises(InvalidInput, match="2 valid keys have the name dwcp-fra1"):
        command("revoke", "dwcp-fra1")
    first, second = command.records()
    command("revoke", first.key_id)
    command("revoke", "dwcp-fra1")
    assert not any(record.is_valid(command.now_s) for record in command.records())
    with pytest.raises(NotFound, match="no valid key the name"):
        command("revoke", "dwcp-fra1")
    assert second.revoked_s is None


@pytest.mark.parametrize("text", ["90", "d", "1.5d", "-1d", "90 d", "90d\n", "9999999d"])
def test_what_is_no_duration_is_refused(command: Command, text: str):
    with pytest.raises(InvalidInput, match="Write 90d"):
        command(*FIRST, f"--expires={text}")
    assert command.records() == []


def test_a_file_of_keys_is_its_users_alone(command: Command):
    command(*FIRST)
    if command.kind == "file":
        assert stat.S_IMODE(command.file.stat().st_mode) == 0o600
