"""Marks of samples that were measured during a transfer, in request bodies."""

from typing import Any

import pytest

from deployments.ingress.request_reading import read_query, read_samples
from pba.errors import InvalidRequest


def sample(timestamp: Any = 0.0, **fields: Any) -> dict[str, Any]:
    return {"timestamp": timestamp, "bandwidth_mbps": 5.0, **fields}


def test_marks_of_samples_are_read_from_rows_and_columns():
    rows = [sample(1), sample("1970-01-01T00:00:02Z", during_transfer=True), sample(3)]
    query = read_query({"history": rows})
    assert query.history.during_transfer.tolist() == [False, True, False]
    columns = {"timestamp": [1, 2], "bandwidth_mbps": [5, 5], "during_transfer": [None, True]}
    query = read_query({"history": columns})
    assert query.history.during_transfer.tolist() == [False, True]
    query = read_query({"history": [sample(1, during_transfer=False)]})
    assert query.history.during_transfer is None


def test_marks_are_of_the_report_of_their_link():
    samples = [
        sample(1) | {"link_id": "a", "during_transfer": True},
        sample(1) | {"link_id": "b"},
        sample(2) | {"link_id": "a"},
        sample(2, bandwidth_mbps=-1) | {"link_id": "b", "during_transfer": True},
    ]
    first, second = read_samples({"samples": samples}, 10)
    assert first.during_transfer.tolist() == [True, False]
    assert second.during_transfer.tolist() == [False]
    assert len(second.refused) == 1


@pytest.mark.parametrize(
    ("history", "field"),
    [
        ([sample(1), sample(2, during_transfer=1)], "history[1].during_transfer"),
        (
            {"timestamp": [1, 2], "bandwidth_mbps": [5, 5], "during_transfer": [True]},
            "history.during_transfer",
        ),
    ],
)
def test_a_mark_is_a_boolean_and_a_column_of_marks_has_the_length_of_the_others(
    history: Any, field: str
):
    with pytest.raises(InvalidRequest) as caught:
        read_query({"history": history})
    assert caught.value.field == field
