"""What the command line makes of its options before anything is trained."""

import pytest
from typer.testing import CliRunner

from pba.errors import InvalidInput
from train.__main__ import NetworkSelection, app


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("both", ["datacenter", "internet"]),
        ("all", ["datacenter", "internet", "v1"]),
        ("internet", ["internet"]),
        ("v1", ["v1"]),
    ],
)
def test_both_means_the_modes_and_all_means_v1_too(wanted: str, names: list[str]) -> None:
    assert [shape.mode for shape in NetworkSelection(wanted).shapes] == names


def test_v1_has_no_teachers() -> None:
    with pytest.raises(InvalidInput, match="--teachers is 2; v1 says a number"):
        CliRunner().invoke(app, ["--mode", "v1", "--teachers", "2"], catch_exceptions=False)
