"""Times as RFC 3339 text."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, strategies as st

from pba.types import rfc3339


def test_a_time_in_another_zone_is_written_in_utc():
    time = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(time) == "2026-02-28T23:00:00Z"


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))
def test_rfc3339_can_be_parsed(time):
    assert datetime.fromisoformat(rfc3339(time)) == time
