"""A store for the jobs to work on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9).ready()
    yield store
    store.close()
