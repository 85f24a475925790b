from pathlib import Path

import pytest

from pba.client.generate import SYNC_FILES, sync_source


@pytest.mark.parametrize("file", SYNC_FILES, ids=lambda file: file.stem)
def test_the_blocking_client_is_generated_from_the_async_one(file: Path):
    assert file.read_text() == sync_source(file), "run python pba/client/generate.py"


@pytest.mark.parametrize("file", SYNC_FILES, ids=lambda file: file.stem)
def test_nothing_of_asyncio_is_left_in_it(file: Path):
    assert "async" not in file.read_text().partition('"""\n')[2].lower()
    assert "await" not in file.read_text()
