"""What a span of a series may be."""

import pytest

from pba.errors import InvalidInput
from pba.store.series_span import SeriesSpan


@pytest.mark.parametrize(
    ("span_s", "step_s"), [(3600, 60), (18_000, 60), (86_400, 300), (7 * 86_400, 3600), (1e9, None)]
)
def test_a_span_has_at_most_300_points_unless_more_are_requested(span_s: float, step_s: int | None):
    if step_s is None:
        with pytest.raises(InvalidInput, match="over 2000"):
            SeriesSpan.of(1e9, 1e9 - span_s, None, None)
    else:
        assert SeriesSpan.of(1e9, 1e9 - span_s, None, None).step_s == step_s


@pytest.mark.parametrize(
    ("from_s", "to_s", "step_s", "words"),
    [
        (5.0, 5.0, None, "from is earlier"),
        (None, None, 90, "whole minutes"),
        (None, None, 0, "whole minutes"),
        (0.0, 1e9, 3600, "over 2000"),
    ],
)
def test_a_span_that_cannot_be_is_refused(
    from_s: float | None, to_s: float | None, step_s: int | None, words: str
):
    with pytest.raises(InvalidInput, match=words):
        SeriesSpan.of(1e9, from_s, to_s, step_s)
