"""One Monitor at a time has a SQLite file; on PostgreSQL several share the work."""

import subprocess
import sys
from pathlib import Path

from pba.store.file_lock import FileLock, monitor_lock

HOLD = """
import sys
from pathlib import Path
from pba.store.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def test_one_has_the_lock_until_it_gives_it_back(tmp_path: Path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()
    second.release()


def test_a_killed_process_has_the_lock_no_longer(tmp_path: Path):
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        lock = FileLock(path)
        assert not lock.acquire()
        process.kill()
        process.wait(10)
        assert lock.acquire()
        lock.release()


def test_the_lock_of_a_file_lies_beside_it(tmp_path: Path):
    lock = monitor_lock(f"sqlite:///{tmp_path}/new/pba.db")
    assert lock is not None
    assert lock.acquire()
    assert (tmp_path / "new" / "pba.db.monitor").exists()
    lock.release()


def test_databases_that_many_may_write_have_none():
    assert monitor_lock("postgresql://pba@db/pba") is None
    assert monitor_lock("sqlite:///file::memory:?uri=true") is None
