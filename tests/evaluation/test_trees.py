"""Boosted trees: accuracy, identity, and the least training data."""

import numpy as np
import pytest

from pba.errors import NotEnoughData
from pba.evaluation.metrics import accuracy
from pba.evaluation.trees import boosted_trees
from pba.telemetry.datasets import WindowSet
from tests.evaluation.test_evaluation_points import trace


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pba.evaluation.trees._ROUNDS", 30)


def waves(count: int, seed: int) -> WindowSet:
    """Return a link that alternates between two rates every 5 samples."""
    rng = np.random.default_rng(seed)
    high = np.arange(count) // 5 % 2
    rates = np.where(high, 1000.0, 300.0) * rng.uniform(0.97, 1.03, count)
    return WindowSet.of({"waves": [trace(rates.tolist())]}, 30)


def test_trees_beat_the_last_value_on_a_square_wave() -> None:
    test = waves(200, 1).gather(np.arange(150))
    forecasts = boosted_trees("gbt", waves(900, 0)).forecast(test.telemetry)
    assert accuracy(forecasts.bandwidth_mbps[:, 0], test.future_mbps[:, 0]) > 0.95
    assert accuracy(test.telemetry[:, -1, 0], test.future_mbps[:, 0]) < 0.85
    assert np.isnan(forecasts.confidence).all()


def test_a_column_that_no_window_of_a_target_has_is_left_out() -> None:
    """Only short traces have latency, and no mean over 60 steps."""
    long, short = trace([100.0, 200.0] * 200), [trace([100.0, 200.0] * 20) for _ in range(40)]
    for one in short:
        one.telemetry[:, 1] = 5.0
    train = WindowSet.of({"long": [long], "short": short}, 30)
    forecasts = boosted_trees("gbt", train).forecast(train.gather(np.arange(20)).telemetry)
    assert np.isfinite(forecasts.bandwidth_mbps).all()


def test_the_identity_of_trees_depends_on_their_training_data() -> None:
    one, same, other = (boosted_trees("gbt", waves(900, seed)) for seed in (0, 0, 1))
    assert one.identity == same.identity != other.identity


def test_too_few_training_windows_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="trees need 200"):
        boosted_trees("gbt", waves(100, 0))
