"""A store for the jobs to work on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.store import Store
from tests.monitoring.builders import CREATED_S


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: CREATED_S).ready()
    yield store
    store.close()
