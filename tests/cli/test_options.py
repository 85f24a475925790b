import getpass
from pathlib import Path

import pytest

from pba.cli.options import select_traces, user_at_host
from pba.errors import InvalidTrace


def test_traces_are_selected_by_name_and_by_split(trace: Path):
    assert [t.trace_id for t in select_traces(trace)] == ["one", "two"]
    assert [t.trace_id for t in select_traces(trace, trace_id="two")] == ["two"]
    assert [t.trace_id for t in select_traces(trace, split="test")] == ["one"]


def test_a_trace_that_is_missing_lists_those_that_exist(trace: Path):
    with pytest.raises(InvalidTrace, match="no trace three in .* are one, two"):
        select_traces(trace, trace_id="three")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch):
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found: 1001")

    monkeypatch.setattr(getpass, "getuser", fail)
    user, _, host = user_at_host().partition("@")
    assert user.isdecimal()
    assert host
