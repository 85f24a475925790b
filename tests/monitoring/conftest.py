"""A store for the jobs to work on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.store import Store
from tests.monitoring.builders import CREATED_S
from tests.support.databases import new_file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(new_file(tmp_path / "pba.db"), lambda: CREATED_S).ready()
    yield store
    store.close()
