import stat
from pathlib import Path

import pytest

from pba.errors import InvalidInput
from pba.security import Role, new_key
from pba.security.key_file import read_document, read_keys, write_keys

NOW_S = 1_790_000_000.0


def test_a_file_of_keys_is_its_users_alone_and_reads_as_it_was_written(tmp_path: Path):
    path = tmp_path / "new" / "keys.json"
    records = [new_key(name, Role.READER, NOW_S)[0] for name in "ab"]
    write_keys(path, records, read_s=7.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keys(path) == records
    assert read_document(path)[1]["read_s"] == 7.0
    assert [other.name for other in path.parent.iterdir()] == ["keys.json"]


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path):
    path = tmp_path / "keys.json"
    write_keys(path, [])
    with pytest.raises(TypeError):
        write_keys(path, [], wrong=object())
    assert read_keys(path) == []
    assert [other.name for other in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": 7}', '{"keys": [{}]}', '{"keys": [7]}', "\xff"]
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "keys.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput, match="is no file of keys"):
        read_keys(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(InvalidInput, match="pba keys create --file"):
        read_keys(tmp_path / "none.json")
