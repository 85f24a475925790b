"""What the service makes is its user's alone, whatever the umask; what exists stays as it is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.local_profile import port_block
from deployments.screen import log_path
from pba.private_files import create_private_file, create_private_folder
from pba.registry.files import Files
from pba.store import Store
from pba.store.file_lock import monitor_lock


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_private(folder: Path) -> int:
    """Check everything in ``folder``; return how many files there are."""
    assert mode(folder) == 0o700
    paths = list(folder.rglob("*"))
    for path in paths:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    return sum(path.is_file() for path in paths)


def test_the_database_and_its_journals(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path}/new/deep/pba.db", lambda: 1e9)
    store.ready()
    lock = monitor_lock(f"sqlite:///{tmp_path}/new/deep/pba.db")
    assert lock is not None
    lock.acquire()
    assert assert_private(tmp_path / "new") >= 4
    lock.release()
    store.close()


def test_the_registry(tmp_path: Path):
    files = Files(str(tmp_path / "registry"))
    assert files.create("internet/v1/model.onnx", b"model")
    files.write("internet/pointer.json", b"{}")
    assert assert_private(tmp_path / "registry") == 2


def test_logs(tmp_path: Path):
    path = log_path(tmp_path / "data" / "logs")
    create_private_file(path)
    assert assert_private(tmp_path / "data") == 1


def test_what_exists_stays_as_it_is(tmp_path: Path):
    folder, file = tmp_path / "shared", tmp_path / "shared" / "pba.db"
    folder.mkdir(mode=0o750)
    file.touch(0o640)
    create_private_folder(folder)
    create_private_file(file)
    assert (mode(folder), mode(file)) == (0o750, 0o640)


def test_a_lock_of_ports_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "pba-replicas-20000").symlink_to(victim)
    with port_block() as first:
        assert first == 20_100
    assert victim.read_text() == "kept"
