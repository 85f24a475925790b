"""Training in one process: it learns, stops early, and keeps the best weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pba.evaluation.metrics import accuracy
from pba.models.distribution import decode
from pba.nets import fit as fit_module
from pba.nets.bin_layout import bins_for
from pba.nets.fit import fit
from pba.telemetry.datasets import WindowSet
from pba.types import History, NetworkMode
from pba.types.profile import PROFILES

pytestmark = [
    pytest.mark.tf,
]
SMALL = replace(PROFILES[NetworkMode.DATACENTER], window=16, units=(8, 4), learning_rate=0.02)


def waves(count: int, seed: int) -> History:
    """Return a link that alternates between two rates every 5 samples."""
    rng = np.random.default_rng(seed)
    telemetry = np.full((count, 5), np.nan)
    high = np.arange(count) // 5 % 2
    telemetry[:, 0] = np.where(high, 1000.0, 300.0) * rng.uniform(0.97, 1.03, count)
    return History(np.arange(1.0, count + 1), telemetry)


def windows(count: int, seed: int) -> WindowSet:
    return WindowSet.of({"waves": [waves(count, seed)]}, SMALL.window)


def test_training_beats_the_last_value_on_a_square_wave() -> None:
    calls: list[tuple[int, dict[str, float]]] = []
    result = fit(
        SMALL,
        windows(400, 0),
        windows(100, 1),
        epochs=8,
        batch_size=32,
        rng=np.random.default_rng(0),
        on_epoch=lambda epoch, figures: calls.append((epoch, figures)),
    )
    test = windows(150, 2).gather(np.arange(130))
    outputs = result.model(test.telemetry)
    bins = bins_for(SMALL.mode)
    points = decode(np.asarray(outputs["probabilities"]), np.asarray(outputs["level_mbps"]), bins)
    accuracy_20 = accuracy(points.bandwidth_mbps[:, 0], test.future_mbps[:, 0])
    last = accuracy(test.telemetry[:, -1, 0], test.future_mbps[:, 0])
    assert accuracy_20 > 0.95 > last
    assert set(result.history) == {"loss", "val_loss", "val_mae"}
    assert [epoch for epoch, _ in calls] == list(range(1, len(result.history["loss"]) + 1))


def test_training_stops_when_validation_no_longer_improves(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 2.0, *range(4, 60)])

    def validate(*_: Any) -> dict[str, float]:
        return {"val_loss": float(next(losses)), "val_mae": 1.0, "val_accuracy_20": 0.5}

    monkeypatch.setattr(fit_module, "validate_epoch", validate)
    monkeypatch.setattr(fit_module, "train_epoch", lambda *_: 1.0)
    result = fit(SMALL, windows(40, 0), windows(40, 1), 40, 32, np.random.default_rng(0))
    val_losses = result.history["val_loss"]
    assert len(val_losses) == 12
    assert min(val_losses) == val_losses[1]
