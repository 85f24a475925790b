"""Only SQLite files and PostgreSQL servers are accepted, and their failures have one name."""

from pathlib import Path

import pytest

from pba.errors import InvalidInput, StoreUnavailable
from pba.store import Store
from tests.store.builders import NOW_S


def test_a_server_that_does_not_respond_is_named(tmp_path: Path):
    store = Store(f"postgresql://nobody@/x?host={tmp_path}", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match=r"store is away: .*PBA_STORE_URL"):
        store.ready()


def test_a_damaged_file_is_named_and_a_new_one_works(tmp_path: Path):
    damaged = tmp_path / "pba.db"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(f"sqlite:///{damaged}", lambda: NOW_S).ready()
    damaged.unlink()
    assert Store(f"sqlite:///{damaged}", lambda: NOW_S).ready().links(None, "", 1) == []


@pytest.mark.parametrize("url", ["mysql://x", "pba.db", "sqlite://", ""])
def test_other_databases_are_refused(url: str):
    with pytest.raises(InvalidInput, match="store_url is .*sqlite:///FILE or postgresql"):
        Store(url, lambda: NOW_S)
