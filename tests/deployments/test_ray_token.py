"""Ray's token: new at each start, in a file of this user alone, and before any other."""

import stat
from pathlib import Path

import pytest

from deployments.local_profile import environment
from deployments.ray_token import create_token, program_variables, token_variables


def test_each_token_is_new_and_its_users_alone(tmp_path: Path):
    texts = set()
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        path = create_token(folder)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        texts.add(path.read_text())
    assert len(texts) == 2
    assert all(len(bytes.fromhex(text)) == 32 for text in texts)


def test_a_file_that_is_there_already_is_never_taken_for_the_token(tmp_path: Path):
    create_token(tmp_path)
    with pytest.raises(FileExistsError):
        create_token(tmp_path)


@pytest.mark.parametrize("plain", [True, False])
def test_a_service_has_a_token_whatever_its_environment_says(
    tmp_path: Path, plain: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "somebody else's")
    variables = environment(tmp_path, 20_100, plain)
    assert variables["RAY_AUTH_MODE"] == "token"
    assert variables["RAY_AUTH_TOKEN"] == "", "it would count before the file"
    assert len(Path(variables["RAY_AUTH_TOKEN_PATH"]).read_text()) == 64


def test_another_program_gets_the_address_and_the_file_but_not_the_token(tmp_path: Path):
    path = create_token(tmp_path)
    variables = program_variables("127.0.0.1:6379", path)
    assert variables["RAY_ADDRESS"] == "127.0.0.1:6379"
    assert token_variables(path).items() <= variables.items()
    assert path.read_text() not in str(variables)
