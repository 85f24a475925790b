"""Samples and link ids: their values, times and limits."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from pba import types
from pba.errors import InvalidInput
from pba.types import COLUMNS, LIMITS, NetworkMetrics, check_link_id


def test_the_public_names_exist_and_every_column_has_a_limit():
    assert all(hasattr(types, name) for name in types.__all__)
    assert set(LIMITS) == set(COLUMNS)


@pytest.mark.parametrize("link_id", ["a", "fra1:ams2", "a->b", "x" * 200, "A.b_c@d-9"])
def test_a_valid_link_id_is_returned(link_id):
    assert check_link_id(link_id) == link_id


@pytest.mark.parametrize("link_id", ["", "x" * 201, "a/b", "a b", "a\n", "é", "a%2F", "\0"])
def test_an_invalid_link_id_is_refused(link_id):
    with pytest.raises(InvalidInput, match="link_id"):
        check_link_id(link_id)


@pytest.mark.parametrize(
    "timestamp",
    [
        1_772_366_400,
        1_772_366_400.0,
        datetime(2026, 3, 1, 12),
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_timestamp_is_seconds_or_a_datetime_and_naive_means_utc(timestamp):
    assert NetworkMetrics(timestamp, 1.0).timestamp_s == 1_772_366_400.0


def test_a_sample_lists_its_values_in_the_order_of_the_columns():
    sample = NetworkMetrics(0.0, *range(1, 6))
    assert dict(zip(COLUMNS, sample.values, strict=True)) == {
        name: getattr(sample, name) for name in COLUMNS
    }


def test_omitted_values_of_a_sample_are_missing():
    assert np.isnan(NetworkMetrics(0.0, 1.0).values[1:]).all()


def test_a_sample_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        NetworkMetrics(0.0, 1.0).bandwidth_mbps = 2.0  # type: ignore[misc]
