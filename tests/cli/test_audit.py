import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.errors import NotFound
from pba.security import Author
from pba.store import Store
from pba.store.engine import transaction
from pba.store.refusal_table import RefusalCount

NOW_S = 1_790_000_000.0
ANNA = Author("anna", "operator", "boris", "0123456789abcdef")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S)
    yield store
    store.close()


def run(store: Store, *words: str) -> Result:
    runner = CliRunner(env={"COLUMNS": "200"})
    url = ["--store", store._database._url]
    return runner.invoke(app, [*words, *url], catch_exceptions=False)


def test_changes_are_listed_the_newest_first(store: Store):
    assert "Nothing was changed" in run(store, "audit", "list").output
    store.change_flags({"shadow": True}, 0, ANNA)
    store.change_flags({"shadow": False}, 1, ANNA)
    lines = run(store, "audit", "list").output.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert lines[0].split()[2:] == ["anna", "boris", "operator", "flags_changed", "flags"]
    (row,) = json.loads(run(store, "audit", "list", "--json", "--count", "1").output)
    assert row["details"]["changed"] == {"shadow": {"before": True, "after": False}}
    assert row["details"]["key_id"] == ANNA.key_id


def test_a_change_of_keys_is_recorded_with_who_runs_the_command(store: Store):
    run(store, "keys", "create", "--role", "admin", "--name", "anna")
    (row,) = store.audit.rows()
    assert (row.action, row.who) == ("key_created", "local")
    assert "@" in str(row.on_behalf_of)


def test_an_altered_row_ends_the_command_with_status_1(store: Store):
    store.change_flags({"shadow": True}, 0, ANNA)
    store.change_flags({"shadow": False}, 1, ANNA)
    intact = run(store, "audit", "verify")
    assert intact.exit_code == 0
    assert intact.output.startswith("2 rows are intact. The last is 2: sha256 ")
    assert json.loads(run(store, "audit", "verify", "--json").output)["rows"] == 2
    with transaction(store._database.engine, writes=True) as connection:
        connection.execute(text("UPDATE audit SET who = 'boris' WHERE id = 2"))
    broken = run(store, "audit", "verify")
    assert broken.exit_code == 1
    assert "Row 2 is broken: it was changed." in broken.stderr
    assert "The 1 rows before it are intact." in broken.stderr
    broken = run(store, "audit", "verify", "--json")
    assert (broken.exit_code, json.loads(broken.stdout)["broken"]) == (1, 2)


def test_a_chain_that_was_replaced_as_a_whole_lacks_the_digest_of_before(store: Store):
    store.change_flags({"shadow": True}, 0, ANNA)
    digest = run(store, "audit", "verify").output.split()[-1]
    store.change_flags({"shadow": False}, 1, ANNA)
    assert run(store, "audit", "verify", "--expect", digest).exit_code == 0
    with pytest.raises(NotFound, match="was replaced"):
        run(store, "audit", "verify", "--expect", "0" * 63)


def test_refusals_are_listed(store: Store):
    assert "No call was refused" in run(store, "audit", "refusals").output
    store.refusals.add([RefusalCount(1_790_000_040_000_000, "10.0.0.1", "", 7, 0)])
    line = run(store, "audit", "refusals").output.splitlines()[-1]
    assert line.split()[1:] == ["10.0.0.1", "–", "7", "0"]
    (row,) = json.loads(run(store, "audit", "refusals", "--json").output)
    assert (row["address"], row["unauthenticated"]) == ("10.0.0.1", 7)
