"""Any change of any field of any row is noticed, and so is a row that is removed or inserted."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pba.security.audit_chain import GENESIS, AuditEntry, AuditRow, ChainCheck, chained
from pba.security.author import LOCAL, Author, clean_text

FIELDS = [field.name for field in fields(AuditRow)]
texts = st.text(max_size=8)
entries = st.builds(
    AuditEntry,
    st.builds(Author, texts, texts, st.none() | texts, st.none() | texts),
    texts,
    texts,
    st.dictionaries(texts, st.none() | texts | st.integers(), max_size=2),
)


def chain(listed: list[AuditEntry]) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for number, entry in enumerate(listed, 1):
        previous = rows[-1].digest if rows else GENESIS
        rows.append(chained(entry, number, previous, 1_000 + number))
    return rows


def first_fault(rows: list[AuditRow], last: AuditRow) -> int | None:
    """Return the number of the first row with a fault; ``last`` is that of the whole chain."""
    check = ChainCheck(0, GENESIS)
    for row in rows:
        if check.fault(row):
            return row.number
    return None if (check.number, check.digest) == (last.number, last.digest) else check.number + 1


@given(st.lists(entries, min_size=1, max_size=4))
def test_a_chain_that_nobody_changed_is_intact(listed: list[AuditEntry]):
    rows = chain(listed)
    assert first_fault(rows, rows[-1]) is None


@given(st.lists(entries, min_size=1, max_size=4), st.data())
def test_any_change_of_any_field_is_noticed(listed: list[AuditEntry], data: st.DataObject):
    rows = chain(listed)
    place = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    before = getattr(rows[place], name)
    other: Any = st.none() | texts | st.integers() | st.just(f"{before} ") | st.just(str(before))
    value = data.draw(
        other.filter(lambda value: value != before or type(value) is not type(before))
    )
    changed = [*rows]
    changed[place] = replace(rows[place], **{name: value})
    if isinstance(value, int) or name != "number":  # a number is an integer in any database
        assert first_fault(changed, rows[-1]) is not None


@given(st.lists(entries, min_size=1, max_size=4), st.data())
def test_a_row_that_is_removed_or_repeated_is_noticed(
    listed: list[AuditEntry], data: st.DataObject
):
    rows = chain(listed)
    place = data.draw(st.integers(0, len(rows) - 1))
    assert first_fault(rows[:place] + rows[place + 1 :], rows[-1]) is not None
    assert first_fault(rows[:place] + [rows[place]] + rows[place:], rows[-1]) is not None


def test_fields_cannot_be_moved_into_each_other():
    one = chained(AuditEntry(Author("a", "bc"), "d", "e"), 1, GENESIS, 1)
    other = chained(AuditEntry(Author("ab", "c"), "d", "e"), 1, GENESIS, 1)
    assert one.digest != other.digest


def test_the_key_is_part_of_what_is_recorded():
    row = chained(AuditEntry(Author("anna", "admin", key_id="ab"), "x", "y"), 1, GENESIS, 0)
    assert row.as_dict()["details"] == {"key_id": "ab"}
    assert row.as_dict()["at"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (None, None),
        ("", None),
        ("\n\t\0", None),
        (" anna \r\n", "anna"),
        ("anna\u202eadmin\ud800x", "anna admin x"),
        ("k" * 1_000_000, "k" * 100),
    ],
)
def test_whom_a_caller_names_is_one_line_that_can_be_printed(text: str | None, cleaned: str | None):
    assert LOCAL.acting_for(text).on_behalf_of == cleaned
    assert len(clean_text("\n" * 500 + "a")) <= 100
