"""The options of the command line, before anything is trained."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pba.errors import InvalidInput
from train.__main__ import NetworkSelection, app
from train.options import command_line


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ("both", ["datacenter", "internet"]),
        ("all", ["datacenter", "internet", "v1"]),
        ("internet", ["internet"]),
        ("v1", ["v1"]),
    ],
)
def test_both_means_the_modes_and_all_includes_v1(selection: str, names: list[str]) -> None:
    assert [shape.mode for shape in NetworkSelection(selection).shapes] == names


def test_v1_has_no_teachers(tmp_path: Path) -> None:
    options = ["--mode", "v1", "--teachers", "2", "--output", str(tmp_path / "out")]
    with pytest.raises(InvalidInput, match="--teachers is 2; v1 predicts a number"):
        CliRunner().invoke(app, options, catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_the_card_does_not_name_private_places(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["__main__.py", "retrain", "--store", "postgresql://user:key@host/db", "--traces=/data"]
    monkeypatch.setattr("sys.argv", words)
    assert command_line("postgresql://user:key@host/db", Path("/data"), None) == (
        "python -m train retrain --store DIR --traces=DIR"
    )
