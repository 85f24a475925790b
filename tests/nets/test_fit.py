"""Training in one process: it learns, stops in time, and keeps the best weights."""

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
    pytest.mark.timeout(240),
]
SMALL = replace(PROFILES[NetworkMode.DATACENTER], units=(8, 4), learning_rate=0.01)


def waves(count: int, seed: int) -> History:
    """Return a link that turns between two rates every 5 samples: easy to learn, hard to repeat."""
    rng = np.random.default_rng(seed)
    telemetry = np.full((count, 5), np.nan)
    high = np.arange(count) // 5 % 2
    telemetry[:, 0] = np.where(high, 1000.0, 300.0) * rng.uniform(0.97, 1.03, count)
    return History(np.arange(1.0, count + 1), telemetry)


def windows(count: int, seed: int) -> WindowSet:
    return WindowSet.of({"waves": [waves(count, seed)]}, SMALL.window)


def test_it_learns_what_the_last_value_cannot_say() -> None:
    told: list[tuple[int, dict[str, float]]] = []
    fitted = fit(
        SMALL,
        windows(600, 0),
        windows(150, 1),
        epochs=12,
        batch_size=32,
        rng=np.random.default_rng(0),
        on_epoch=lambda epoch, figures: told.append((epoch, figures)),
    )
    test = windows(150, 2).gather(np.arange(119))
    said = fitted.model(test.telemetry)
    bins = bins_for(SMALL.mode)
    points = decode(np.asarray(said["probabilities"]), np.asarray(said["level_mbps"]), bins)
    in_band = accuracy(points.bandwidth_mbps[:, 0], test.future_mbps[:, 0])
    last = accuracy(test.telemetry[:, -1, 0], test.future_mbps[:, 0])
    assert in_band > 0.95 > last
    assert set(fitted.history) == {"loss", "val_loss", "val_mae"}
    assert [epoch for epoch, _ in told] == list(range(1, len(fitted.history["loss"]) + 1))


def test_it_stops_when_validation_no_longer_improves(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([3.0, 2.0, *range(4, 60)])

    def checked(*_: Any) -> dict[str, float]:
        return {"val_loss": float(next(losses)), "val_mae": 1.0, "val_accuracy_20": 0.5}

    monkeypatch.setattr(fit_module, "check", checked)
    kept: list[Any] = []
    fitted = fit(SMALL, windows(40, 0), windows(40, 1), 40, 32, np.random.default_rng(0))
    kept += fitted.history["val_loss"]
    assert len(kept) == 12
    assert min(kept) == kept[1]
