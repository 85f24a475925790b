"""Times as RFC 3339 text."""

from datetime import UTC, datetime

from hypothesis import given, strategies as st

from pba.types import rfc3339_of


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))
def test_the_text_of_a_time_is_in_utc_and_can_be_parsed(time):
    text = rfc3339_of(time.timestamp())
    assert text.endswith("Z")
    parsed = datetime.fromisoformat(text)
    assert abs((parsed - time).total_seconds()) <= 1e-4  # a float of seconds holds no more
